package dev.libretto.generate;

import java.util.NoSuchElementException;
import java.util.PrimitiveIterator;

/** Ids by descending logit, ties by ascending id. A heap finds each when it is asked for, because few of many are needed. */
final class Descending implements PrimitiveIterator.OfInt {
    /** The smallest is the next; each has its id in the lower half. */
    private final long[] keys;

    private int size;

    /** @param logits {@code [V]} */
    Descending(float... logits) {
        size = logits.length;
        keys = new long[size];
        for (int id = 0; id < size; id++) {
            int bits = Float.floatToIntBits(logits[id] + 0f);
            // The bits of floats are ordered like their values once all but the sign of negative ones are flipped.
            int ordered = bits < 0 ? bits ^ Integer.MAX_VALUE : bits;
            keys[id] = (long) ~ordered << Integer.SIZE | id;
        }
        for (int i = size / 2 - 1; i >= 0; i--) {
            sink(keys[i], i);
        }
    }

    /** Places a key at or below a position whose own is free. */
    private void sink(long key, int position) {
        int at = position;
        for (int child = 2 * at + 1; child < size; child = 2 * at + 1) {
            if (child + 1 < size && keys[child + 1] < keys[child]) {
                child++;
            }
            if (key <= keys[child]) {
                break;
            }
            keys[at] = keys[child];
            at = child;
        }
        keys[at] = key;
    }

    @Override
    public boolean hasNext() {
        return size > 0;
    }

    @Override
    public int nextInt() {
        if (size == 0) {
            throw new NoSuchElementException();
        }
        int next = (int) keys[0];
        size--;
        sink(keys[size], 0);
        return next;
    }
}
