package dev.libretto.text;

import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * The substrings of a text as the smallest automaton that reads them (Blumer et al., 1985). Reads another text of any length
 * through it, to find the longest stretch of that text which ends at each position of this one.
 */
final class SuffixAutomaton {
    private static final int NONE = -1;
    private static final int ROOT = 0;

    /** Of each state: the length of its longest substring, and the state of that one's longest suffix in another state. */
    private final int[] lengths;

    private final int[] links;
    /** Of each state: the longest of its substrings found in the other text, and where that one ends there. */
    private final int[] found;

    private final long[] foundEnds;
    /** The state of each beginning of the text. */
    private final int[] beginnings;

    /** Transitions, chained by state; found by a hash table with linear probing. */
    private final int[] sources;

    private final int[] ids;
    private final int[] targets;
    private final int[] next;
    private final int[] first;
    private final int[] table;

    private int states = 1;
    private int transitions;

    SuffixAutomaton(int[] text) {
        int most = Math.max(2, 2 * text.length);
        lengths = new int[most];
        links = new int[most];
        found = new int[most];
        foundEnds = new long[most];
        first = new int[most];
        beginnings = new int[text.length];
        int mostTransitions = 3 * text.length + 1;
        sources = new int[mostTransitions];
        ids = new int[mostTransitions];
        targets = new int[mostTransitions];
        next = new int[mostTransitions];
        table = new int[Integer.highestOneBit(2 * mostTransitions) << 1];
        Arrays.fill(first, NONE);
        Arrays.fill(table, NONE);
        links[ROOT] = NONE;
        int last = ROOT;
        for (int i = 0; i < text.length; i++) {
            last = extend(last, text[i]);
            beginnings[i] = last;
        }
    }

    private int extend(int last, int id) {
        int added = states++;
        lengths[added] = lengths[last] + 1;
        int state = last;
        while (state != NONE && transition(state, id) == NONE) {
            add(state, id, added);
            state = links[state];
        }
        if (state == NONE) {
            links[added] = ROOT;
            return added;
        }
        int target = targets[transition(state, id)];
        links[added] = lengths[target] == lengths[state] + 1 ? target : split(state, id, target);
        return added;
    }

    /** Moves the shorter substrings of a state to a new one. */
    private int split(int source, int id, int target) {
        int shorter = states++;
        lengths[shorter] = lengths[source] + 1;
        for (int t = first[target]; t != NONE; t = next[t]) {
            add(shorter, ids[t], targets[t]);
        }
        links[shorter] = links[target];
        links[target] = shorter;
        for (int state = source; state != NONE; state = links[state]) {
            int t = transition(state, id);
            if (targets[t] != target) {
                break;
            }
            targets[t] = shorter;
        }
        return shorter;
    }

    private void add(int source, int id, int target) {
        sources[transitions] = source;
        ids[transitions] = id;
        targets[transitions] = target;
        next[transitions] = first[source];
        first[source] = transitions;
        table[slot(source, id)] = transitions++;
    }

    /** Returns the index of a transition, or NONE. */
    private int transition(int source, int id) {
        return table[slot(source, id)];
    }

    /** Returns the slot of a transition, or the free one for it. */
    private int slot(int source, int id) {
        int mask = table.length - 1;
        int slot = (int) (CounterRandom.GOLDEN * (((long) source << 21) + id) >>> 32) & mask;
        while (table[slot] != NONE && (sources[table[slot]] != source || ids[table[slot]] != id)) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    /** Reads the other text. */
    void read(Ids other, LongConsumer progress) {
        int state = ROOT;
        int length = 0;
        for (long position = 0; position < other.length(); position++) {
            if ((position & (1 << 20) - 1) == 0) {
                progress.accept(position);
            }
            int id = other.at(position);
            int t = transition(state, id);
            while (t == NONE && state != ROOT) {
                state = links[state];
                length = lengths[state];
                t = transition(state, id);
            }
            if (t != NONE) {
                state = targets[t];
                length++;
            }
            if (length > found[state]) {
                found[state] = length;
                foundEnds[state] = position + 1;
            }
        }
        shareAlongLinks();
    }

    /** A match of a state contains those of its suffix links; a state without a match takes its link's. */
    private void shareAlongLinks() {
        int[] order = byLength();
        for (int i = states - 1; i > 0; i--) {
            int state = order[i];
            int suffix = links[state];
            if (found[state] > 0 && found[suffix] < lengths[suffix]) {
                found[suffix] = lengths[suffix];
                foundEnds[suffix] = foundEnds[state];
            }
        }
        for (int i = 1; i < states; i++) {
            int state = order[i];
            if (found[state] == 0) {
                found[state] = found[links[state]];
                foundEnds[state] = foundEnds[links[state]];
            }
        }
    }

    private int[] byLength() {
        int[] starts = new int[beginnings.length + 2];
        for (int state = 0; state < states; state++) {
            starts[lengths[state] + 1]++;
        }
        for (int length = 1; length < starts.length; length++) {
            starts[length] += starts[length - 1];
        }
        int[] order = new int[states];
        for (int state = 0; state < states; state++) {
            order[starts[lengths[state]]++] = state;
        }
        return order;
    }

    /** Returns the length of the longest stretch of the other text that ends in this one after {@code position}. */
    int found(int position) {
        return found[beginnings[position]];
    }

    /** Returns where that stretch begins in the other text. */
    long foundAt(int position) {
        return foundEnds[beginnings[position]] - found(position);
    }
}
