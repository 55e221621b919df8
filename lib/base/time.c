/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/time.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/**
 * time_now() - Wall clock
 *
 * Return: nanoseconds since 1970
 */
int64_t time_now(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/**
 * time_mono() - Clock for durations
 *
 * Return: nanoseconds since an arbitrary point
 */
int64_t time_mono(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/**
 * time_format_rfc3339() - 2026-01-02T03:04:05.123456789Z
 * @ns:		Nanoseconds since 1970
 * @buf:	Where to
 */
void time_format_rfc3339(int64_t ns, char buf[TIME_RFC3339_LEN])
{
	time_t t = (time_t)(ns / NSEC_PER_SEC);
	long frac = (long)(ns % NSEC_PER_SEC);
	struct tm tm;

	if (frac < 0) {
		frac += NSEC_PER_SEC;
		t--;
	}
	gmtime_r(&t, &tm);
	snprintf(buf, TIME_RFC3339_LEN, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", (tm.tm_year + 1900) % 10000,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, frac);
}

/* Exactly @n digits at *@s. */
static int digits(const char **s, int n, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return -EINVAL;
		v = v * 10 + (**s - '0');
	}
	*ret = v;
	return 0;
}

static int literal(const char **s, char c)
{
	if (**s != c)
		return -EINVAL;
	(*s)++;
	return 0;
}

/**
 * time_parse_rfc3339() - Read a date and time
 * @s:		Such as 2026-01-02T03:04:05Z, with a fraction, with +01:00
 * @ret_ns:	Nanoseconds since 1970
 *
 * Return: 0, -EINVAL
 */
int time_parse_rfc3339(const char *s, int64_t *ret_ns)
{
	struct tm tm = { 0 };
	int64_t ns = 0, unit = NSEC_PER_SEC / 10;
	int off = 0, oh, om;

	if (digits(&s, 4, &tm.tm_year) || literal(&s, '-') || digits(&s, 2, &tm.tm_mon) || literal(&s, '-') ||
	    digits(&s, 2, &tm.tm_mday) || (*s != 'T' && *s != 't' && *s != ' '))
		return -EINVAL;
	s++;
	if (digits(&s, 2, &tm.tm_hour) || literal(&s, ':') || digits(&s, 2, &tm.tm_min) || literal(&s, ':') ||
	    digits(&s, 2, &tm.tm_sec))
		return -EINVAL;
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++, unit /= 10)
			ns += (*s - '0') * unit;
	if (*s == '+' || *s == '-') {
		int sign = *s++ == '-' ? -1 : 1;

		if (digits(&s, 2, &oh) || literal(&s, ':') || digits(&s, 2, &om))
			return -EINVAL;
		off = sign * (oh * 3600 + om * 60);
	} else if (*s == 'Z' || *s == 'z') {
		s++;
	} else {
		return -EINVAL;
	}
	if (*s || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_ns = ((int64_t)timegm(&tm) - off) * NSEC_PER_SEC + ns;
	return 0;
}
