/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* What the promises of coherence.pml look at and nacre does not know: what was true, and when. */

#ifndef TRACE

short since[READERS];     /* what was true at some moment of the open under way: versions, ABSENT, FAILED */
short outdated[READERS];  /* `replaced`, when it began */
short replaced;           /* what was there before own changes that have ended */
short shown[CREDENTIALS]; /* versions that the store has shown to them */
byte moments;             /* beginnings and ends of own changes */
int late_opens;           /* opens that began after the proof they would be served by was sent */

inline witness_open(me) {
    since[me] = bit_of(current);
    outdated[me] = replaced
}

inline witness_store() {
    for (i : 0 .. READERS - 1) {
        since[i] = (since[i] -> since[i] | bit_of(current) : 0)
    }
}

inline witness_failure() {
    for (i : 0 .. READERS - 1) {
        since[i] = (since[i] -> since[i] | bit_of(FAILED) : 0)
    }
}

inline witness_shown(me, what) {
    shown[own_credentials(me)] = shown[own_credentials(me)] | (CREDENTIALS > 1 -> bit_of(what) : 0)
}

inline witness_proof(c) { proof[c].moment = moments; late_opens = late_opens & ~proof[c].serves }
inline witness_late(me) { late_opens = late_opens | bit_of(me) }
#define is_late(me) has(late_opens, me)

inline witness_moment() { moments++ }
#define now moments

/* A put or a delete: nondeterminism of the environment. */
inline choose_version(version) {
    if
    :: version = ABSENT
    :: made++;
        version = made;
        if
        :: WEAK_TOO -> weak[version] = true
        :: true
        fi
    fi
}

/* An own change replaces all that was there before it, once it has ended. */
inline witness_own_change(version) {
    shown[0] = shown[0] | (CREDENTIALS > 1 -> bit_of(version) : 0);
    replaces = (version -> bit_of(version) - 1 : bit_of(made + 1) - 2)
}
inline witness_replaced(outcome) {
    replaced = replaced | (outcome == NOT_DONE -> 0 : replaces);
    replaces = 0
}

inline check_open(me, what) {
    PROMISE(absence_is_not_believed, what != ABSENT || has(since[me], ABSENT));
    PROMISE(failures_are_not_remembered, what != FAILED || has(since[me], FAILED));
    PROMISE(own_credentials_prove, CREDENTIALS == 1 || !is_version(what) || has(shown[own_credentials(me)], what));
    PROMISE(own_writes_are_seen, has(since[me], what) || !has(outdated[me], what));
    PROMISE(opens_are_linearisable, has(since[me], what));
    since[me] = 0;
    outdated[me] = 0;
    late_opens = late_opens & ~bit_of(me)
}

inline check_offline(me, what) {
    PROMISE(own_changes_show_offline, !is_version(what) || !has(outdated[me], what));
    PROMISE(own_credentials_prove, CREDENTIALS == 1 || !is_version(what) || has(shown[own_credentials(me)], what));
    since[me] = 0;
    outdated[me] = 0
}

inline check_fill(moment_of_request) { RULE(nothing_fills_after_a_change, moment_of_request == moments) }

#endif
