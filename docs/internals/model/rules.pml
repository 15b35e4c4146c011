/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* The rules of the protocol, by what happens where one is broken: -DBREAK_NAME breaks it. */

#ifndef BREAK_PROOF_SERVES_LATER_OPENS
#define BREAK_PROOF_SERVES_LATER_OPENS 0 /* an open joins a proof that has been sent */
#endif

#ifndef BREAK_CACHE_IS_BELIEVED
#define BREAK_CACHE_IS_BELIEVED 0 /* an open gives what was last proven, without a request */
#endif

#ifndef BREAK_ABSENCE_IS_REMEMBERED
#define BREAK_ABSENCE_IS_REMEMBERED 0 /* a 404 answers later opens */
#endif

#ifndef BREAK_FAILURE_IS_REMEMBERED
#define BREAK_FAILURE_IS_REMEMBERED 0 /* a failure answers later opens */
#endif

#ifndef BREAK_OTHERS_PROVE
#define BREAK_OTHERS_PROVE 0 /* proofs, and what was last proven, are shared across credentials */
#endif

#ifndef BREAK_WAITING_ARE_FORGOTTEN
#define BREAK_WAITING_ARE_FORGOTTEN 0 /* nobody sends the next proof */
#endif

#ifndef BREAK_WEAK_IS_SHARED
#define BREAK_WEAK_IS_SHARED 0 /* bytes of a weak version go to all who wait */
#endif

#ifndef BREAK_WEAK_IS_KEPT
#define BREAK_WEAK_IS_KEPT 0 /* they are cached, under the weak validator */
#endif

#ifndef BREAK_PROOF_IGNORES_EPOCH
#define BREAK_PROOF_IGNORES_EPOCH 0 /* a proof begun before a change fills the cache after it */
#endif

#ifndef BREAK_FLIGHT_IGNORES_EPOCH
#define BREAK_FLIGHT_IGNORES_EPOCH 0 /* a flight does so */
#endif

#ifndef BREAK_NO_EPOCH_AT_BEGIN
#define BREAK_NO_EPOCH_AT_BEGIN 0 /* the beginning of a change does not bump the epoch */
#endif

#ifndef BREAK_NO_EPOCH_AT_END
#define BREAK_NO_EPOCH_AT_END 0 /* nor does its end */
#endif

#ifndef BREAK_UNKNOWN_IS_NOT_DONE
#define BREAK_UNKNOWN_IS_NOT_DONE 0 /* a change whose outcome is unknown is taken for none */
#endif

#ifndef BREAK_OVERLAPPING_CHANGES_FILL
#define BREAK_OVERLAPPING_CHANGES_FILL 0 /* a put fills the cache though another change was under way */
#endif

#ifndef BREAK_BYTES_HAVE_NO_VERSION
#define BREAK_BYTES_HAVE_NO_VERSION 0 /* cached bytes are found by object only */
#endif

#ifndef BREAK_FLIGHTS_HAVE_NO_VERSION
#define BREAK_FLIGHTS_HAVE_NO_VERSION 0 /* readers of another version join a flight */
#endif

#ifndef BREAK_FLIGHTS_ARE_NOT_SHARED
#define BREAK_FLIGHTS_ARE_NOT_SHARED 0 /* two requests for the same bytes */
#endif

#ifndef BREAK_FAILED_FLIGHT_STAYS
#define BREAK_FAILED_FLIGHT_STAYS 0 /* a flight that failed is not forgotten */
#endif

#ifndef BREAK_ANSWER_IS_NOT_CHECKED
#define BREAK_ANSWER_IS_NOT_CHECKED 0 /* the store is trusted to honour preconditions */
#endif

#ifndef BREAK_NO_VALIDATOR_WILL_DO
#define BREAK_NO_VALIDATOR_WILL_DO 0 /* an answer without a validator is taken for the pinned version */
#endif

#ifndef BREAK_GONE_IS_ABSENT
#define BREAK_GONE_IS_ABSENT 0 /* a 404 on a pinned object is passed on */
#endif
