/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/retry.h"

#include <curl/curl.h>

#include "lib/base/time.h"

#define DELAY_MAX (30 * NSEC_PER_SEC)
/* A registry that asks for more than this means a quota, not a moment: the user sees the error sooner than the day's
 * end. */
#define RETRY_AFTER_MAX 60

/**
 * http_status_is_transient() - May the same request succeed a little later?
 * @status:	HTTP status
 *
 * Return: whether it may
 */
bool http_status_is_transient(long status)
{
	return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

/**
 * http_curl_is_transient() - May the same transfer succeed a little later?
 * @code:	CURLcode
 *
 * Names that do not resolve and refused connections count as well: a laptop that changes networks, a registry that
 * restarts. Whatever verification says is final.
 *
 * Return: whether it may
 */
bool http_curl_is_transient(int code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_PARTIAL_FILE:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_FAIL_REWIND: /* libcurl would repeat it itself; an upload must first ask how much came */
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	default:
		return false;
	}
}

/**
 * http_retry_delay() - How long to wait before the next attempt
 * @attempt:		Attempts that have failed, from 1
 * @base_ns:		Wait after the first
 * @retry_after_s:	What the server asked for in seconds, negative when it did not
 * @random:		Random bits
 *
 * Doubles with each attempt; a random quarter either way keeps many clients from coming back at the same time.
 *
 * Return: nanoseconds
 */
int64_t http_retry_delay(unsigned attempt, int64_t base_ns, int64_t retry_after_s, uint32_t random)
{
	int64_t d = base_ns;

	for (unsigned i = 1; i < attempt && d < DELAY_MAX; i++)
		d *= 2;
	if (d > DELAY_MAX)
		d = DELAY_MAX;
	d += d / 2 * (random % 1024) / 1024 - d / 4;
	if (retry_after_s > RETRY_AFTER_MAX)
		retry_after_s = RETRY_AFTER_MAX;
	if (retry_after_s >= 0 && retry_after_s * NSEC_PER_SEC > d)
		d = retry_after_s * NSEC_PER_SEC;
	return d;
}
