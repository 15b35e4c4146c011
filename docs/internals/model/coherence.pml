/* SPDX-License-Identifier: MIT
 * Copyright the nacre authors */

/* The coherence protocol of src/cache, for one object and one process of nacre. Words are those of ../cache.md; README.md
 * says what is left out. Checked by scripts/model.py, also with each rule broken (rules.pml).
 *
 * A version is a number, and so is what bytes hold: the version that they were really read from. Whoever hands out
 * bytes under a version is caught when the two differ. Each `atomic` and each `d_step` is one moment: what the store
 * does with one request, or what nacre does under its lock. Between moments anything may happen. */

#ifndef READERS
#define READERS 2 /* handles beside one another */
#endif
#ifndef OPENS
#define OPENS 1 /* by each of them, one after another, with one read each */
#endif
#ifndef OWN
#define OWN 1 /* changes through nacre, beside one another */
#endif
#ifndef OUTSIDE
#define OUTSIDE 1 /* changes by others */
#endif
#ifndef FAULTS
#define FAULTS 0 /* requests that fail */
#endif
#ifndef CREDENTIALS
#define CREDENTIALS 1
#endif
#ifndef WEAK_TOO
#define WEAK_TOO 0 /* whether the store has weak versions also */
#endif
#ifndef VALIDATORS_VANISH
#define VALIDATORS_VANISH 1 /* whether an answer may lack its validator */
#endif
#ifndef KEEPS_OLD
#define KEEPS_OLD 1 /* whether the store may go on giving a version that was replaced */
#endif
#ifndef HEAD_IS_ALL
#define HEAD_IS_ALL 0 /* whether the object is so small that its first bytes are all of it */
#endif
#ifndef VERSIONS
#define VERSIONS (1 + OWN + OUTSIDE)
#endif

#include "rules.pml"

/* What an open or a read gives: a version, or one of these. */
#define ABSENT 0
#define WEAK (VERSIONS + 1) /* only as a validator: what the store says of any weak version */
#define FAILED (VERSIONS + 2)
#define CHANGED (VERSIONS + 3)
#define UNCACHED (VERSIONS + 4) /* offline, and not in the cache */

#define bit_of(n) (1 << (n))
#define has(set, n) (((set) >> (n)) & 1)
#define is_version(v) ((v) != ABSENT && (v) <= VERSIONS)
#define is_strong(v) (is_version(v) && !weak[v])
#define token(v) (weak[v] -> WEAK : (v)) /* the validator that the store gives */
#define own_credentials(reader) ((reader) % CREDENTIALS)

mtype = { IDLE, WAITS, LEADS, ALONE, TOLD }; /* a reader */
mtype = { DONE, NOT_DONE, UNKNOWN };         /* the outcome of a change */

hidden byte i, found; /* scratch, within one moment */

/* === The store: one object, whose versions never come again. ==================================================== */

byte current = ABSENT;   /* the version that is there */
byte made;               /* versions made so far */
bool weak[VERSIONS + 6]; /* by version */
byte faults = FAULTS;

/* === The cache (table.h). ======================================================================================= */

typedef Snapshot {   /* one version, by its validator */
    byte head, rest; /* what the cached bytes hold; 0: they are not cached */
    byte flights;    /* requests for the rest under way */
    int joined;      /* readers who wait for one */
};
typedef Proof { /* by credentials */
    bool under_way;
    byte epoch;      /* of the subject, when it was made */
    byte known;      /* its condition, "only if it is not this version"; 0: none */
    int serves;      /* opens that began before it was sent */
    int waiting;     /* opens that began after: for the next one */
    byte moment;     /* `moments`, when it was made */
};
Snapshot snapshot[VERSIONS + 2];
Proof proof[CREDENTIALS];
byte proven[CREDENTIALS]; /* the version last proven; 0: none */
byte epoch;
byte changes;    /* under way, through nacre */
bool overlapped; /* two of them at once */
byte remembered[2]; /* what no cache should: [0] an absence, [1] a failure */

/* === Handles. =================================================================================================== */

mtype state[READERS] = IDLE; /* LEADS: carries the request, for itself and all who wait */
byte pin[READERS];           /* the validator that was pinned; 0: not open */
byte opened[READERS];        /* what the open gave: the version that its bytes hold, or why there are none */
byte given[READERS];         /* what the last read gave */
bool offline[READERS];

/* === The promises: each a variable, so that the verifier names the one that is broken. =============================== */

/* A PROMISE shows to callers. A RULE holds inside; promises that it backs rest on other rules also. -DONLY=NAME looks
 * at one of them. */
#ifndef ONLY
#define PROMISE(name, condition) name = (condition); assert(name)
#else
#define PROMISE(name, condition) name = (condition); assert(ONLY)
#endif
#define RULE(name, condition) PROMISE(name, condition)

hidden byte own_writes_are_seen = 1;         /* point 1: no open gives what an own change had replaced when it began */
hidden byte own_changes_show_offline = 1;    /* 1, 6: nor an open without proof; also where the outcome was unknown */
hidden byte opens_are_linearisable = 1;      /* 2: what an open gives was there at some moment of that open */
hidden byte handles_are_snapshots = 1;       /* 3: all bytes that one handle gives are of one version */
hidden byte gone_is_changed = 1;             /* 3: an open handle never says "not found" */
hidden byte absence_is_not_believed = 1;     /* 4: absent is said where it was so at some moment of the open */
hidden byte failures_are_not_remembered = 1; /* 5: an open fails where a request failed at some moment of it */
hidden byte own_credentials_prove = 1;       /* 6: an open gives what the store has shown to its credentials */

hidden byte nothing_fills_after_a_change = 1; /* of 1: a request begun before a change fills nothing after it */
hidden byte proofs_serve_earlier_opens = 1;   /* of 2: an open is served by a request that was sent after it began */
hidden byte only_strong_bytes_are_shared = 1; /* of 3 */
hidden byte bytes_are_of_their_version = 1;   /* of 3: what the cache holds under a version is of that version */
hidden byte flights_never_overlap = 1;        /* single flight */
/* And everybody is answered: the verifier itself refuses an end in which somebody waits. */

#include "witness.pml"

/* === Opening (open.c): the proof is the first read. ============================================================= */

#define proof_of(me) (BREAK_OTHERS_PROVE -> 0 : own_credentials(me))

inline tell(reader, what) {
    opened[reader] = what;
    pin[reader] = (is_version(what) -> token(what) : 0);
    state[reader] = TOLD;
    check_open(reader, what)
}

/* Under the lock. The first of the opens carries it. */
inline begin_proof(c, opens) {
    proof[c].under_way = true;
    proof[c].epoch = epoch;
    proof[c].known = (proven[c] && snapshot[proven[c]].head -> proven[c] : 0);
    proof[c].serves = opens;
    proof[c].waiting = 0;
    found = 0;
    do
    :: has(proof[c].serves, found) -> break
    :: else -> found++
    od;
    state[found] = LEADS;
    witness_proof(c)
}

inline end_proof(c) {
    proof[c].under_way = false;
    proof[c].epoch = 0;
    proof[c].known = 0;
    proof[c].serves = 0;
    proof[c].moment = 0
}

/* A proof serves only the opens that began before it was sent. */
inline begin_open(me, c) {
    witness_open(me);
    if
    :: BREAK_CACHE_IS_BELIEVED && proven[c] && snapshot[proven[c]].head -> tell(me, snapshot[proven[c]].head)
    :: BREAK_ABSENCE_IS_REMEMBERED && remembered[0] -> tell(me, ABSENT)
    :: BREAK_FAILURE_IS_REMEMBERED && remembered[1] -> tell(me, FAILED)
    :: else ->
        if
        :: !proof[c].under_way -> begin_proof(c, bit_of(me))
        :: proof[c].under_way && !BREAK_PROOF_SERVES_LATER_OPENS ->
            proof[c].waiting = proof[c].waiting | bit_of(me);
            witness_wait(me, c);
            state[me] = WAITS
        :: proof[c].under_way && BREAK_PROOF_SERVES_LATER_OPENS ->
            proof[c].serves = proof[c].serves | bit_of(me);
            state[me] = WAITS;
            witness_late(me)
        fi
    fi
}

/* The store's moment. Where it honours the condition it sends no bytes: they are those that the cache holds. */
inline answer_proof(me, condition) {
    if
    :: faults > 0 -> faults--; answer = FAILED; content = FAILED; witness_failure()
    :: answer = current; content = current
    :: condition && current && token(current) == condition ->
        answer = current;
        content = snapshot[condition].head
    fi;
    witness_shown(me, answer)
}

#define is_kept(v) (is_strong(v) || is_version(v) && BREAK_WEAK_IS_KEPT)
#define is_own(v) (is_version(v) && weak[v] && !BREAK_WEAK_IS_SHARED)
#define fills_proof(c) (proof[c].epoch == epoch || BREAK_PROOF_IGNORES_EPOCH)

/* Under the lock: the cache learns, those served are told, those who wait become the next proof. */
inline conclude(me, c) {
    if
    :: is_kept(answer) && fills_proof(c) ->
        check_fill(proof[c].moment);
        snapshot[token(answer)].head = content;
        snapshot[token(answer)].rest = (HEAD_IS_ALL -> content : snapshot[token(answer)].rest);
        RULE(bytes_are_of_their_version, token(answer) == content);
        proven[c] = (is_learnt -> token(answer) : 0)
    :: answer == ABSENT && fills_proof(c) ->
        for (i : 0 .. CREDENTIALS - 1) {
            proven[i] = 0
        }
    :: else
    fi;
    remembered[0] = (remembered[0] || answer == ABSENT) && BREAK_ABSENCE_IS_REMEMBERED;
    remembered[1] = (remembered[1] || answer == FAILED) && BREAK_FAILURE_IS_REMEMBERED;
    for (i : 0 .. READERS - 1) {
        if
        :: has(proof[c].serves, i) && (i == me || !is_own(answer)) ->
            RULE(proofs_serve_earlier_opens, !is_late(i));
            RULE(only_strong_bytes_are_shared, i == me || !is_version(answer) || !weak[answer]);
            tell(i, content)
        :: has(proof[c].serves, i) && i != me && is_own(answer) -> state[i] = ALONE
        :: else
        fi
    }
    if
    :: proof[c].waiting && !BREAK_WAITING_ARE_FORGOTTEN -> begin_proof(c, proof[c].waiting)
    :: else -> end_proof(c)
    fi;
    answer = 0;
    content = 0
}

inline open_object(me) {
    d_step { may_wait(me, proof_of(me)) -> begin_open(me, proof_of(me)) }
    state[me] != WAITS;
    if
    :: state[me] == LEADS ->
        atomic { may_prove(me) -> answer_proof(me, proof[proof_of(me)].known) }
        d_step { conclude(me, proof_of(me)) }
    :: state[me] == ALONE -> /* shared with nobody, so it comes in at any time, and teaches nothing */
        atomic { may_prove(me) -> answer_proof(me, 0) }
        d_step { tell(me, answer); answer = 0; content = 0 }
    :: state[me] == TOLD
    fi
}

/* The version last proven with these credentials, where its first bytes are there: they may have been evicted. */
inline open_offline(me, c) {
    atomic {
        witness_open(me);
        if
        :: opened[me] = UNCACHED
        :: proven[c] && snapshot[proven[c]].head -> opened[me] = snapshot[proven[c]].head
        fi;
        pin[me] = (opened[me] == UNCACHED -> 0 : proven[c]);
        offline[me] = true;
        check_offline(me, opened[me])
    }
}

/* === Reading (fetch.c, flight.c): the rest of the object. ======================================================= */

#define bytes_of(me) snapshot[(BREAK_BYTES_HAVE_NO_VERSION -> 1 : pin[me])]
#define flights_of(me) snapshot[(BREAK_FLIGHTS_HAVE_NO_VERSION -> 1 : pin[me])]
#define is_held(me) (pin[me] == WEAK && !BREAK_WEAK_IS_KEPT)

inline give(reader, what) {
    given[reader] = what;
    state[reader] = TOLD;
    PROMISE(gone_is_changed, what != ABSENT);
    PROMISE(handles_are_snapshots, !is_version(what) || what == opened[reader])
}

/* Under the lock. What is cached may also have been evicted. */
inline begin_read(me) {
    if
    :: is_held(me) -> give(me, opened[me]) /* a weak version: the pin has the whole object, from one answer */
    :: !is_held(me) && bytes_of(me).rest && expects(me, bytes_of(me).rest) -> give(me, bytes_of(me).rest)
    :: !is_held(me) && flights_of(me).flights && !BREAK_FLIGHTS_ARE_NOT_SHARED ->
        flights_of(me).joined = flights_of(me).joined | bit_of(me);
        state[me] = WAITS
    :: !is_held(me) && (!flights_of(me).flights || BREAK_FLIGHTS_ARE_NOT_SHARED) && may_ask(me) ->
        flights_of(me).flights++;
        RULE(flights_never_overlap, flights_of(me).flights == 1);
        begun = epoch;
        moment = now;
        state[me] = LEADS
    :: !is_held(me) && offline[me] && expects(me, UNCACHED) -> give(me, UNCACHED) /* or some of it is not there */
    fi
}

/* The store's moment: a ranged read with the pinned version as a precondition, which the store need not honour. answer
 * is the validator that it gives. */
inline answer_flight(me) {
    if
    :: faults > 0 -> faults--; answer = FAILED
    :: current == ABSENT -> answer = ABSENT
    :: current && token(current) == pin[me] -> answer = pin[me]; content = current
    :: current && (token(current) != pin[me] || came_back(current)) -> answer = CHANGED
    :: current && token(current) != pin[me] -> answer = token(current); content = current
    :: current && VALIDATORS_VANISH -> answer = UNCACHED; content = current /* bytes, but no validator */
    :: KEEPS_OLD && current != pin[me] && pin[me] <= VERSIONS -> answer = pin[me]; content = pin[me]
    fi
}

#define is_pinned(me) (answer == pin[me] || content && BREAK_ANSWER_IS_NOT_CHECKED \
                       || answer == UNCACHED && BREAK_NO_VALIDATOR_WILL_DO)
#define fills_flight (begun == epoch || BREAK_FLIGHT_IGNORES_EPOCH)
#define outcome_of_flight(me) (is_pinned(me) -> content : \
                               (answer == FAILED -> FAILED : \
                                (answer == ABSENT && BREAK_GONE_IS_ABSENT -> ABSENT : CHANGED)))

/* Under the lock: the answer is checked, whatever was asked; it fills the cache, unless a change came between; it goes
 * to all who wait, and a failure is forgotten. */
inline land(me) {
    if
    :: is_pinned(me) && fills_flight ->
        check_fill(moment);
        bytes_of(me).rest = content;
        RULE(bytes_are_of_their_version, content == pin[me])
    :: else
    fi;
    given[me] = outcome_of_flight(me);
    flights_of(me).flights = flights_of(me).flights - !(BREAK_FAILED_FLIGHT_STAYS && given[me] == FAILED);
    for (i : 0 .. READERS - 1) {
        if
        :: i == me || has(flights_of(me).joined, i) -> give(i, given[me])
        :: else
        fi
    }
    flights_of(me).joined = 0;
    answer = 0;
    content = 0;
    begun = 0;
    moment = 0
}

inline read_object(me) {
    atomic { begin_read(me) }
    state[me] != WAITS;
    if
    :: state[me] == LEADS ->
        atomic { may_fly(me) -> answer_flight(me) }
        d_step { land(me) }
    :: state[me] == TOLD
    fi
}

inline close_object(me) {
    d_step {
        found = pin[me];
        state[me] = IDLE; pin[me] = 0; opened[me] = 0; given[me] = 0; offline[me] = false;
        forget_unused(found)
    }
}

/* === Changes (cache.c). ========================================================================================= */

inline begin_change() {
    d_step {
        epoch = epoch + !BREAK_NO_EPOCH_AT_BEGIN;
        overlapped = changes > 0;
        changes++;
        witness_moment()
    }
}

/* The store's moment; version ABSENT: a delete. */
inline change_store(version) {
    choose_version(version);
    found = current;
    current = version;
    witness_store();
    forget_unused(found)
}

inline end_change(version, outcome) {
    d_step {
        epoch = epoch + !BREAK_NO_EPOCH_AT_END;
        witness_moment();
        if
        :: outcome == NOT_DONE || outcome == UNKNOWN && BREAK_UNKNOWN_IS_NOT_DONE
        :: else ->
            for (i : 0 .. CREDENTIALS - 1) {
                proven[i] = 0
            }
        fi;
        if
        :: outcome == DONE && is_strong(version) && (!overlapped || BREAK_OVERLAPPING_CHANGES_FILL) ->
            snapshot[version].head = version;
            snapshot[version].rest = version;
            proven[0] = version
        :: else
        fi;
        changes--;
        overlapped = overlapped && changes;
        witness_replaced(outcome)
    }
}

/* Where nobody knows what came of a change, the store may also do it later, or never. */
inline request_change(version, outcome, late) {
    atomic {
        if
        :: change_store(version);
            witness_own_change(version);
            if
            :: outcome = DONE
            :: outcome = UNKNOWN
            fi
        :: outcome = NOT_DONE
        :: outcome = UNKNOWN; late = true
        fi
    }
}
inline change_late(version, late) {
    if
    :: late -> atomic { change_store(version) }
    :: true
    fi
}

/* === Everybody at once. ========================================================================================= */

#ifndef TRACE

proctype reader(byte me) {
    byte left = OPENS, answer, content, begun, moment;
    do
    :: left ->
        left--;
        if
        :: open_object(me)
        :: open_offline(me, own_credentials(me))
        fi;
        if
        :: pin[me] -> read_object(me)
        :: else
        fi;
        close_object(me)
    :: !left -> break
    od
}

/* Writers are alike, so the next one begins after this one has. */
proctype writer(byte others) {
    byte version;
    mtype outcome;
    bool late;
    short replaces;
    atomic {
        begin_change();
        if
        :: others -> run writer(others - 1)
        :: else
        fi
    }
    request_change(version, outcome, late);
    end_change(version, outcome);
    change_late(version, late)
}

proctype outsider() {
    byte left = OUTSIDE, version;
    do
    :: left -> atomic { left--; change_store(version); version = 0 }
    :: !left -> break
    od
}

init {
    atomic {
        if /* the object is there, or not */
        :: true
        :: made = 1; current = 1
        fi;
        for (i : 0 .. READERS - 1) {
            run reader(i)
        }
        if
        :: OWN -> run writer(OWN - 1)
        :: else
        fi;
        run outsider()
    }
}

#endif
