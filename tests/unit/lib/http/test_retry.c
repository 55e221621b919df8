/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/retry.h"

#include <curl/curl.h>

#include "lib/base/time.h"
#include "tests/unit/tap.h"

#define BASE (500 * NSEC_PER_MSEC)

int main(void)
{
	static const long again[] = { 408, 429, 500, 502, 503, 504 },
			  final[] = { 400, 401, 403, 404, 410, 416, 501, 505 };

	for (size_t i = 0; i < sizeof(again) / sizeof(*again); i++)
		ok(http_status_is_transient(again[i]), "%ld may go away", again[i]);
	for (size_t i = 0; i < sizeof(final) / sizeof(*final); i++)
		ok(!http_status_is_transient(final[i]), "%ld is final", final[i]);
	ok(http_curl_is_transient(CURLE_RECV_ERROR) && http_curl_is_transient(CURLE_OPERATION_TIMEDOUT) &&
		   http_curl_is_transient(CURLE_PARTIAL_FILE) && http_curl_is_transient(CURLE_HTTP2_STREAM),
	   "lost connections");
	ok(!http_curl_is_transient(CURLE_PEER_FAILED_VERIFICATION) &&
		   !http_curl_is_transient(CURLE_SSL_CONNECT_ERROR) && !http_curl_is_transient(CURLE_WRITE_ERROR),
	   "TLS and our own failures are final");

	for (unsigned n = 1; n <= HTTP_RETRIES_MAX; n++) {
		int64_t low = http_retry_delay(n, BASE, -1, 0), high = http_retry_delay(n, BASE, -1, 1023),
			mid = BASE << (n - 1);

		is_int(low, mid - mid / 4, "attempt %u: a quarter less", n);
		ok(high > mid && high <= mid + mid / 4, "attempt %u: a quarter more", n);
	}
	ok(http_retry_delay(40, BASE, -1, 1023) < 40 * NSEC_PER_SEC, "bounded");
	is_int(http_retry_delay(1, BASE, 7, 0), 7 * NSEC_PER_SEC, "Retry-After is honoured");
	is_int(http_retry_delay(1, BASE, 86400, 0), 60 * NSEC_PER_SEC, "and capped");
	ok(http_retry_delay(1, BASE, 0, 512) >= BASE / 2, "Retry-After: 0 does not shorten the wait");
	return done();
}
