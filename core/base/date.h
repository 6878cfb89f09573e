/* SPDX-License-Identifier: Apache-2.0 */
/* The calendar for the core: what <iptfhir/date.h> has, and what no plugin needs. */
#ifndef CORE_BASE_DATE_H
#define CORE_BASE_DATE_H

#include <iptfhir/date.h>

/* 28 to 31; 0 when `month` is not 1 to 12. */
int date_month_days(int year, int month);
/* The date of a day number, which counts from 1970-01-01. */
void date_from_days(int64_t days, int *year, int *month, int *day);
#endif
