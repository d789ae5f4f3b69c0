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

    private final long bytesEnd;
    private final long shortsEnd;
    private final long length;
    private final ByteBuffer[] bytes;
    private final ByteBuffer[] shorts;
    private final ByteBuffer[] ints;

    private PackedIds(long[] lengths, ByteBuffer[] bytes, ByteBuffer[] shorts, ByteBuffer[] ints) {
        this.bytesEnd = lengths[0];
        this.shortsEnd = bytesEnd + lengths[1];
        this.length = shortsEnd + lengths[2];
        this.bytes = bytes;
        this.shorts = shorts;
        this.ints = ints;
    }

    /**
     * Maps the ids at the start of a file. The mapping outlives the channel and ends when the ids are unreachable.
     *
     * @param lengths the number of ids of one, two and four bytes
     */
    static PackedIds map(FileChannel channel, long... lengths) throws IOException {
        long shortsStart = lengths[0];
        long intsStart = shortsStart + 2 * lengths[1];
        return new PackedIds(
                lengths,
                IndexFile.map(channel, 0, lengths[0]),
                IndexFile.map(channel, shortsStart, 2 * lengths[1]),
                IndexFile.map(channel, intsStart, 4 * lengths[2]));
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public int at(long position) {
        Objects.checkIndex(position, length);
        if (position < bytesEnd) {
            return chunk(bytes, position).get(inChunk(position)) & 0xff;
        }
        if (position < shortsEnd) {
            long offset = 2 * (position - bytesEnd);
            return chunk(shorts, offset).getShort(inChunk(offset)) & 0xffff;
        }
        long offset = 4 * (position - shortsEnd);
        return chunk(ints, offset).getInt(inChunk(offset));
    }

    private static ByteBuffer chunk(ByteBuffer[] chunks, long offset) {
        return chunks[(int) (offset >>> CHUNK_BITS)];
    }

    private static int inChunk(long offset) {
        return (int) (offset & (1L << CHUNK_BITS) - 1);
    }
}
