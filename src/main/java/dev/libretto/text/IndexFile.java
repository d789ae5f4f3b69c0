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
 * The index file of a text: its characters as indexes in its alphabet, as narrow as possible, then a trailer with the
 * alphabet. Numbers are big-endian:
 *
 * <pre>
 *     the text up to its first 256 distinct characters          1 byte each
 *     then up to its first 65,536 distinct characters           2 bytes each
 *     then the rest                                             4 bytes each
 *     trailer: the fingerprint of the text's files, the SHA-256 of its characters (both as writeUTF),
 *              the number of byte sequences replaced or skipped (long), the lengths of the three parts (longs), the alphabet's size (int),
 *              and for each of its characters the code point (int) and the count (long)
 *     the offset of the trailer (long), the CRC-32C of all bytes before this (int), "LIBRETTO"
 * </pre>
 *
 * <p>The width depends on the distinct characters so far, so one pass over the text writes the file.
 *
 * @param name of the text, for messages
 * @param fingerprint a hash of the names, sizes and times of the text's files and of the options; it changes when they do
 * @param reusable whether an existing index may be used; not for a pipe, whose text differs each time
 */
record IndexFile(Path path, String name, String fingerprint, boolean reusable) {
    /** "LIBRETTO" */
    static final long MAGIC = 0x4C4942524554544FL;
    /** Trailer offset, checksum, magic. */
    static final int TAIL_BYTES = 8 + 4 + 8;

    /** The index of an earlier format, or of earlier rules of reading, is rebuilt. */
    private static final int FORMAT = 2;

    private static final long MAX_MAPPED = 1L << 30;

    static IndexFile of(Path folder, CorpusFiles files, CorpusOptions options) throws IOException {
        StringBuilder key = new StringBuilder()
                .append(options.encoding())
                .append(options.keepNewlines() ? " newlines " : " ")
                .append(options.maxChars());
        if (options.documents() != Documents.NONE) {
            key.append(' ').append(options.documents());
        }
        if (options.badBytes() != BadBytes.ERROR || options.normalization() != Normalization.NONE) {
            key.append(' ').append(options.badBytes()).append(' ').append(options.normalization());
        }
        options.include().forEach(pattern -> key.append('\n').append(pattern));
        for (Path file : files.files()) {
            key.append('\n').append(file.toAbsolutePath().normalize());
        }
        StringBuilder fingerprint =
                new StringBuilder(hash(key)).append(" format ").append(FORMAT);
        boolean reusable = true;
        for (Path file : files.files()) {
            reusable &= Files.isRegularFile(file);
            if (Files.exists(file)) {
                fingerprint.append(' ').append(Files.size(file));
                fingerprint.append(' ').append(Files.getLastModifiedTime(file));
            }
        }
        return new IndexFile(folder.resolve(hash(key) + ".ids"), files.name(), hash(fingerprint), reusable);
    }

    private static String hash(CharSequence text) {
        return TextHash.of(text.codePoints().toArray()).substring(0, 32);
    }

    /** Returns the text if the file exists, is intact and matches the text's files. */
    Optional<Corpus> open() {
        if (!reusable) {
            return Optional.empty();
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long trailerEnd = channel.size() - TAIL_BYTES;
            if (trailerEnd < 0) {
                return Optional.empty();
            }
            DataInputStream tail = bytes(channel, trailerEnd, TAIL_BYTES);
            long trailerStart = tail.readLong();
            int checksum = tail.readInt();
            boolean isIntact = tail.readLong() == MAGIC
                    && trailerStart >= 0
                    && trailerStart <= trailerEnd
                    && checksum == checksum(channel, trailerEnd + Long.BYTES);
            return isIntact
                    ? read(channel, bytes(channel, trailerStart, (int) (trailerEnd - trailerStart)))
                    : Optional.empty();
        } catch (IOException e) {
            // Missing or unreadable: it is rebuilt, and a failure of that is reported.
            return Optional.empty();
        }
    }

    private static DataInputStream bytes(FileChannel channel, long start, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        channel.read(bytes, start);
        return new DataInputStream(new ByteArrayInputStream(bytes.array()));
    }

    private static int checksum(FileChannel channel, long length) throws IOException {
        CRC32C crc = new CRC32C();
        for (ByteBuffer part : map(channel, 0, length)) {
            crc.update(part);
        }
        return (int) crc.getValue();
    }

    private Optional<Corpus> read(FileChannel channel, DataInputStream trailer) throws IOException {
        if (!trailer.readUTF().equals(fingerprint)) {
            return Optional.empty();
        }
        String sha256 = trailer.readUTF();
        long malformed = trailer.readLong();
        long[] lengths = {trailer.readLong(), trailer.readLong(), trailer.readLong()};
        int[] codePoints = new int[trailer.readInt()];
        long[] counts = new long[codePoints.length];
        for (int i = 0; i < codePoints.length; i++) {
            codePoints[i] = trailer.readInt();
            counts[i] = trailer.readLong();
        }
        Alphabet alphabet = new Alphabet(codePoints, counts);
        return Optional.of(new Corpus(name, alphabet, new PackedIds(channel, lengths), sha256, malformed));
    }

    /** Maps a range of a file as buffers of {@link #MAX_MAPPED} bytes; the last one may be shorter. */
    static ByteBuffer[] map(FileChannel channel, long start, long length) throws IOException {
        ByteBuffer[] buffers = new ByteBuffer[(int) ((length + MAX_MAPPED - 1) / MAX_MAPPED)];
        for (int i = 0; i < buffers.length; i++) {
            long from = i * MAX_MAPPED;
            buffers[i] = channel.map(MapMode.READ_ONLY, start + from, Math.min(MAX_MAPPED, length - from));
        }
        return buffers;
    }
}
