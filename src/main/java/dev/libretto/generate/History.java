package dev.libretto.generate;

import java.util.Arrays;
import org.apache.commons.lang3.ArrayUtils;

/** The text so far, its prefix included, as far back as a {@link Sampler} looks. */
public final class History {
    /** Looks back at the whole text. */
    public static final int WHOLE = Integer.MAX_VALUE;

    private static final int LONGEST_ARRAY = Integer.MAX_VALUE - 8;

    private final int lookBack;
    private int[] ids;
    private int size;

    private History(int lookBack, int[] ids) {
        this.lookBack = lookBack;
        this.ids = ids;
        this.size = ids.length;
    }

    /** @param lookBack how many of the last characters are kept, or {@link #WHOLE} */
    History(int[] prefix, int lookBack) {
        this(lookBack, Arrays.copyOfRange(prefix, Math.max(0, prefix.length - lookBack), prefix.length));
    }

    /** Returns what a sampler looks back at when a model continues a prefix. */
    static History of(TextModel model, int[] prefix, Sampler sampler) {
        return new History(ArrayUtils.addAll(model.textBefore(), prefix), sampler.lookBack());
    }

    /** Returns a copy to which a character is added. */
    History with(int id) {
        History copy = new History(lookBack, Arrays.copyOfRange(ids, size - length(), size));
        copy.add(id);
        return copy;
    }

    void add(int id) {
        if (lookBack == 0) {
            return;
        }
        if (size == ids.length && size / 2 >= lookBack) {
            System.arraycopy(ids, size - lookBack, ids, 0, lookBack);
            size = lookBack;
        } else if (size == ids.length) {
            ids = Arrays.copyOf(ids, (int) Math.min(2L * size + 16, LONGEST_ARRAY));
        }
        ids[size++] = id;
    }

    /** Returns the number of characters that can be looked at. */
    public int length() {
        return Math.min(size, lookBack);
    }

    /**
     * Returns a character, counted from the end.
     *
     * @param distance at least 0, which is the last character, and less than {@link #length()}
     */
    public int back(int distance) {
        return ids[size - 1 - distance];
    }
}
