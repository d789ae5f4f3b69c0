package dev.libretto.text;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Objects;

/** Ids in a memory-mapped file: those of one byte, then those of two, then those of four. */
final class PackedIds implements Ids {
    /** The number of distinct ids that fit in each width. */
    static final int[] LIMITS = {1 << 8, 1 << 16, Integer.MAX_VALUE};

    private static final int CHUNK_BITS = 30;

    /** The position after the last id of each width. */
    private final long[] ends = new long[LIMITS.length];

    private final ByteBuffer[][] chunks = new ByteBuffer[LIMITS.length][];

    /**
     * Maps the ids at the start of a file. The mapping outlives the channel and ends when the ids are unreachable.
     *
     * @param lengths the number of ids of one, two and four bytes
     */
    PackedIds(FileChannel channel, long... lengths) throws IOException {
        long start = 0;
        long end = 0;
        for (int width = 0; width < LIMITS.length; width++) {
            chunks[width] = IndexFile.map(channel, start, lengths[width] << width);
            start += lengths[width] << width;
            end += lengths[width];
            ends[width] = end;
        }
    }

    @Override
    public long length() {
        return ends[2];
    }

    @Override
    public int at(long position) {
        Objects.checkIndex(position, ends[2]);
        if (position < ends[0]) {
            return chunk(0, position).get(inChunk(position)) & 0xff;
        }
        if (position < ends[1]) {
            long offset = 2 * (position - ends[0]);
            return chunk(1, offset).getShort(inChunk(offset)) & 0xffff;
        }
        long offset = 4 * (position - ends[1]);
        return chunk(2, offset).getInt(inChunk(offset));
    }

    private ByteBuffer chunk(int width, long offset) {
        return chunks[width][(int) (offset >>> CHUNK_BITS)];
    }

    private static int inChunk(long offset) {
        return (int) (offset & (1L << CHUNK_BITS) - 1);
    }
}
