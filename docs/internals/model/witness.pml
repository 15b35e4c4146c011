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

#define is_learnt true
#define expects(me, what) true
#define may_ask(me) (!offline[me])
#define may_wait(me, c) true
#define may_prove(me) true
#define may_fly(me) true
#define came_back(version) false
inline witness_wait(me, c) { skip }
inline forget_unused(version) { skip }

inline check_fill(moment_of_request) { RULE(nothing_fills_after_a_change, moment_of_request == moments) }

#else

/* A trace is replayed, so what every open and read gives is known beforehand. Runs that would give something else are cut
 * off as early as can be: at the moment of the store, and where an open would share the proof of another that gives
 * something else. */

byte expected[READERS];
byte expected_next[CREDENTIALS]; /* by those who wait for the next proof */
#define expects(me, what) (expected[me] == (what))
/* Without proof nothing is asked, but requests are joined, also those of which the trace does not tell: of an open
 * that reads a header, of a read that failed. */
#define may_ask(me) (!offline[me] || expected[me] == CHANGED)
#define may_wait(me, c) (WEAK_TOO || proof[c].waiting == 0 || expected_next[c] == expected[me])
#define may_prove(me) (current == expected[me])
#define may_fly(me) (VALIDATORS_VANISH || KEEPS_OLD || came_back(current) \
                     || is_version(expected[me]) == (current != ABSENT && token(current) == pin[me]))
inline witness_wait(me, c) { expected_next[c] = expected[me] }

/* Without opens that are offline, bytes of a version that no handle has make no difference, for an open brings them
 * again. Forgotten, they make one run of many. */
#define is_learnt OFFLINE
inline forget_unused(version) {
    for (i : 0 .. READERS - 1) {
        version = (pin[i] == version || OFFLINE -> 0 : version)
    }
    snapshot[version].head = 0;
    snapshot[version].rest = 0
}

inline witness_open(me) { skip }
inline witness_store() { skip }
inline witness_failure() { skip }
inline witness_shown(me, what) { skip }
inline witness_proof(c) { expected_next[c] = 0 }
inline witness_late(me) { skip }
#define is_late(me) false
inline witness_moment() { skip }
#define now 0
inline choose_version(version) { skip }
inline witness_own_change(version) { skip }
inline witness_replaced(outcome) { skip }
inline check_open(me, what) { skip }
inline check_offline(me, what) { skip }
inline check_fill(moment_of_request) { skip }

#endif
