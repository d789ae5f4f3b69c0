package dev.libretto.text;

import java.util.Objects;

/** A text as character ids; it may be longer than an array can be, or than the memory. */
public interface Ids {
    /** In the place of a character that has no id, where such are not an error. */
    int NONE = -1;

    /** The number of characters. */
    long length();

    /**
     * The id of a character.
     *
     * @param position 0 to {@link #length()} - 1
     * @throws IndexOutOfBoundsException if it is not
     */
    int at(long position);

    /**
     * A part of the text, which is not copied.
     *
     * @param from the position of its first character
     * @param to the position after its last one
     * @throws IndexOutOfBoundsException if the text does not have these positions
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

    /**
     * The same text by other ids, which is not copied.
     *
     * @param others the other id of each id
     */
    default Ids mapped(int... others) {
        Ids before = this;
        return new Ids() {
            @Override
            public long length() {
                return before.length();
            }

            @Override
            public int at(long position) {
                return others[before.at(position)];
            }
        };
    }

    /** The ids of an array, which is not copied. */
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
