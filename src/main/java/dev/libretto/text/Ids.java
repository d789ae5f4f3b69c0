package dev.libretto.text;

import java.util.Objects;
import java.util.function.LongToIntFunction;

/** A text as character ids; it may be longer than an array, or larger than memory. */
public interface Ids {
    /** Marks a character that has no id, where that is not an error. */
    int NONE = -1;

    long length();

    int at(long position);

    /** Returns the first position of an id, not before {@code from}; the length if there is none. */
    default long find(int id, long from) {
        long position = from;
        while (position < length() && at(position) != id) {
            position++;
        }
        return position;
    }

    /** Returns a view of the positions from {@code from}, inclusive, to {@code to}, exclusive. */
    default Ids slice(long from, long to) {
        Objects.checkFromToIndex(from, to, length());
        return of(to - from, position -> at(from + position));
    }

    /** Returns a view that replaces each id by its entry in {@code newIds}. */
    default Ids mapped(int... newIds) {
        return of(length(), position -> newIds[at(position)]);
    }

    static Ids of(int... ids) {
        return of(ids.length, position -> ids[(int) position]);
    }

    /** Returns ids that are computed from their positions. */
    static Ids of(long length, LongToIntFunction idAt) {
        return new Ids() {
            @Override
            public long length() {
                return length;
            }

            @Override
            public int at(long position) {
                return idAt.applyAsInt(Objects.checkIndex(position, length));
            }
        };
    }
}
