package dev.libretto.text;

import java.util.Objects;

/** A text as character ids; it may be longer than an array, or larger than memory. */
public interface Ids {
    /** Marks a character that has no id, where that is not an error. */
    int NONE = -1;

    /** Returns the number of characters. */
    long length();

    /**
     * Returns the id at a position.
     *
     * @throws IndexOutOfBoundsException if the position is negative or not less than {@link #length()}
     */
    int at(long position);

    /**
     * Returns a view of the positions from {@code from}, inclusive, to {@code to}, exclusive.
     *
     * @throws IndexOutOfBoundsException if the range is outside the text
     */
    default Ids slice(long from, long to) {
        Objects.checkFromToIndex(from, to, length());
        Ids whole = this;
        return new Ids() {
            @Override
            public long length() {
                return to - from;
            }

            @Override
            public int at(long position) {
                return whole.at(from + Objects.checkIndex(position, to - from));
            }
        };
    }

    /** Returns a view that replaces each id by its entry in {@code newIds}. */
    default Ids mapped(int... newIds) {
        Ids original = this;
        return new Ids() {
            @Override
            public long length() {
                return original.length();
            }

            @Override
            public int at(long position) {
                return newIds[original.at(position)];
            }
        };
    }

    /** Returns a view of an array. */
    static Ids of(int... ids) {
        return new Ids() {
            @Override
            public long length() {
                return ids.length;
            }

            @Override
            public int at(long position) {
                return ids[(int) Objects.checkIndex(position, ids.length)];
            }
        };
    }
}
