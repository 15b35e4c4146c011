/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* The protocol of coherence.pml, driven by a recorded trace. scripts/model_replay.py writes one more process, which
 * forces the recorded events in their order. What lies between them (when the store did it, which proof was shared,
 * what was cached) is left to the model. The verifier looks for a run that comes to the last event. */

#define TRACE
#define ONLY true /* the promises are checked elsewhere */

/* Where requests fail, a put of a new object whose answer was lost is sent again, on the condition that nothing is
 * there: so what another has deleted meanwhile comes back. The store may give it another version than before. */
#ifndef COMES_BACK
#define COMES_BACK 0
#endif
#if COMES_BACK
bool may_come_back[VERSIONS + 6]; /* by version: how it was put */
bool back[VERSIONS + 6];
#define came_back(version) back[version]
#else
#define came_back(version) false
#endif

#include "coherence.pml"

#define PRESENT (VERSIONS + 5) /* a listing tells no version */

mtype = { OPEN, OPEN_OFFLINE, OPEN_IN_VAIN, READ, CLOSE };

/* What begins, with what it will give, and what ends. */
chan ask[READERS] = [0] of { mtype, byte };
chan got[READERS] = [0] of { byte };
chan ask_change[WRITERS] = [0] of { bool, byte, mtype }; /* through this cache or not; version, ABSENT: a delete */
chan got_change[WRITERS] = [0] of { bool };
chan ask_look[LOOKERS] = [0] of { byte };
chan got_look[LOOKERS] = [0] of { byte };

bool not_replayed = true; /* until the last event */

/* An open that failed, or whose end was not recorded, may have taught the cache what was there all the same: its time
 * was over, or that of whoever shared its proof. */
inline open_in_vain() {
    atomic {
        if
        :: is_strong(current) ->
            proven[0] = current;
            snapshot[current].head = current;
            snapshot[current].rest = current
        :: true
        fi
    }
}

proctype handle(byte me)
{
    byte answer, content, begun, moment;
    do
    :: ask[me]?OPEN, expected[me] -> open_object(me); opened[me] == expected[me]; got[me]!opened[me]
    :: ask[me]?OPEN_OFFLINE, expected[me] -> open_offline(me, 0); opened[me] == expected[me]; got[me]!opened[me]
    :: ask[me]?OPEN_IN_VAIN, _ -> open_in_vain(); got[me]!0
    :: ask[me]?READ, expected[me] -> read_object(me); given[me] == expected[me]; got[me]!given[me]
    :: ask[me]?CLOSE, _ -> close_object(me)
    od
}

#if COMES_BACK
inline put_again(version) {
    if
    :: may_come_back[version] -> atomic { current == ABSENT -> back[version] = true; change_store(version) }
    :: true
    fi
}
#else
inline put_again(version) { skip }
#endif

proctype changer(byte me)
{
    bool own, late;
    byte version;
    mtype outcome;
    do
    :: ask_change[me]?own, version, outcome ->
        if
        :: own -> begin_change()
        :: own && outcome != DONE -> own = false; outcome = NOT_DONE /* nothing was sent, as only nacre knows */
        :: else
        fi;
        if
        :: outcome != NOT_DONE -> atomic { change_store(version) }
        :: outcome == NOT_DONE
        :: outcome == UNKNOWN -> late = true
        fi;
        put_again(version);
        if
        :: own -> end_change(version, outcome)
        :: else
        fi;
        got_change[me]!true;
        if
        :: late -> atomic { change_store(version) } /* or never */
        :: else
        fi;
        d_step { own = false; late = false; version = 0; outcome = 0 }
    od
}

/* Whoever looks at the store without a cache: other processes, stat, listings. */
proctype looker(byte me)
{
    byte seen;
    do
    :: ask_look[me]?seen ->
        seen == current || seen == PRESENT && current != ABSENT;
        got_look[me]!seen;
        seen = 0
    od
}

inline start(value) {
    atomic {
        current = value;
        for (i : 0 .. READERS - 1) {
            run handle(i)
        }
        for (i : 0 .. WRITERS - 1) {
            run changer(i)
        }
        for (i : 0 .. LOOKERS - 1) {
            run looker(i)
        }
    }
}
