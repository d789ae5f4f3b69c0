package dev.libretto.text;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * The index file of a text: its characters as indexes in its alphabet, in the width that they need, and what else there is
 * to know of it. Numbers are big-endian:
 *
 * <pre>
 *     the text up to its first 256 distinct characters          1 byte for each
 *     then up to its first 65,536 distinct characters           2 bytes for each
 *     then the rest                                             4 bytes for each
 *     trailer: the stamp of the text's files, the SHA-256 of its characters (both as Java's writeUTF),
 *              the lengths of the three parts (longs), the alphabet's size (int),
 *              and for each of its characters the code point (int) and the count (long)
 *     where the trailer begins (long), the CRC-32C of all before this (int), "LIBRETTO"
 * </pre>
 *
 * <p>The width follows from the distinct characters so far, so that one pass over the text writes the file.
 *
 * @param path where it is
 * @param name of the text, for messages
 * @param stamp by which it is known whether the file is of this text as it now is: names, sizes and times of the text's
 *     files, and how they are read
 * @param reusable whether an index that is there may be of this text; a pipe has another one each time
 */
record IndexFile(Path path, String name, String stamp, boolean reusable) {
    /** "LIBRETTO" */
    static final long MAGIC = 0x4C4942524554544FL;
    /** Trailer's begin, checksum, magic. */
    static final int TAIL_BYTES = 8 + 4 + 8;

    /** The most bytes of the file that are mapped as one buffer. */
    private static final long MAX_MAPPED = 1L << 30;

    /** The index file of a text in a folder. */
    static IndexFile of(Path folder, CorpusFiles files, CorpusOptions options) throws IOException {
        StringBuilder key = new StringBuilder()
                .append(options.encoding())
                .append(options.keepNewlines() ? " newlines " : " ")
                .append(options.maxChars());
        for (Path file : files.files()) {
            key.append('\n').append(file.toAbsolutePath().normalize());
        }
        StringBuilder stamp = new StringBuilder(hash(key));
        boolean reusable = true;
        for (Path file : files.files()) {
            reusable &= Files.isRegularFile(file);
            if (Files.exists(file)) {
                stamp.append(' ').append(Files.size(file));
                stamp.append(' ').append(Files.getLastModifiedTime(file));
            }
        }
        return new IndexFile(folder.resolve(hash(key) + ".ids"), files.name(), hash(stamp), reusable);
    }

    private static String hash(CharSequence text) {
        TextHash hash = new TextHash();
        int[] codePoints = text.codePoints().toArray();
        hash.update(codePoints, codePoints.length);
        return hash.hex().substring(0, 32);
    }

    /** Makes it anew. */
    IndexWriter writer() throws IOException {
        return new IndexWriter(this);
    }

    /** The text, if the file is there, whole, and of the text's files as they now are. */
    Optional<Corpus> open() {
        if (!reusable) {
            return Optional.empty();
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long trailerStart = trailerStart(channel);
            return trailerStart < 0 ? Optional.empty() : read(channel, trailerStart);
        } catch (IOException e) {
            // There is none, or it cannot be read; should it not be possible to make one either, that says why.
            return Optional.empty();
        }
    }

    /** Where the trailer begins; -1 if the file is not whole. */
    private static long trailerStart(FileChannel channel) throws IOException {
        long checked = channel.size() - TAIL_BYTES + 8;
        if (checked < 8) {
            return -1;
        }
        ByteBuffer tail = ByteBuffer.allocate(TAIL_BYTES);
        channel.read(tail, checked - 8);
        long trailerStart = tail.flip().getLong();
        int checksum = tail.getInt();
        boolean isWhole = tail.getLong() == MAGIC
                && checksum == checksum(channel, checked)
                && trailerStart >= 0
                && trailerStart < checked;
        return isWhole ? trailerStart : -1;
    }

    private static int checksum(FileChannel channel, long length) throws IOException {
        CRC32C crc = new CRC32C();
        for (ByteBuffer part : map(channel, 0, length)) {
            crc.update(part);
        }
        return (int) crc.getValue();
    }

    private Optional<Corpus> read(FileChannel channel, long trailerStart) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate((int) (channel.size() - TAIL_BYTES - trailerStart));
        channel.read(bytes, trailerStart);
        DataInputStream trailer = new DataInputStream(new ByteArrayInputStream(bytes.array()));
        if (!trailer.readUTF().equals(stamp)) {
            return Optional.empty();
        }
        String sha256 = trailer.readUTF();
        long[] lengths = {trailer.readLong(), trailer.readLong(), trailer.readLong()};
        int[] codePoints = new int[trailer.readInt()];
        long[] counts = new long[codePoints.length];
        for (int i = 0; i < codePoints.length; i++) {
            codePoints[i] = trailer.readInt();
            counts[i] = trailer.readLong();
        }
        Alphabet alphabet = new Alphabet(codePoints, counts);
        return Optional.of(new Corpus(name, alphabet, PackedIds.map(channel, lengths), sha256));
    }

    /** Maps a part of a file as buffers of {@link #MAX_MAPPED} bytes, the last of which may be shorter. */
    static ByteBuffer[] map(FileChannel channel, long start, long length) throws IOException {
        ByteBuffer[] buffers = new ByteBuffer[(int) ((length + MAX_MAPPED - 1) / MAX_MAPPED)];
        for (int i = 0; i < buffers.length; i++) {
            long from = i * MAX_MAPPED;
            buffers[i] = channel.map(MapMode.READ_ONLY, start + from, Math.min(MAX_MAPPED, length - from));
        }
        return buffers;
    }
}
