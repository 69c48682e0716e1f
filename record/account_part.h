/* account_part: what the files of account share. Private to it. */
#ifndef RECORD_ACCOUNT_PART_H
#define RECORD_ACCOUNT_PART_H

#include "record/account.h"

/* What was given of the last piece of content is known. */
void account_settle(struct account *, struct recorder_session *,
    struct ledger *);

/* The client has been told. */
void account_told(struct account *, const struct transaction_reply *,
    struct recorder_session *);

/* The server is ready for TLS, and the client is not told: it will hear from
 * smtptap how that went. Release: now it hears, or never will. */
void account_hold_starttls(struct account *);
void account_release_starttls(struct account *);

#endif
