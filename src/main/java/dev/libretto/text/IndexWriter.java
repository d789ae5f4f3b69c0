package dev.libretto.text;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/** Writes an {@link IndexFile}, under another name until it is whole. */
final class IndexWriter implements AutoCloseable {
    private static final String FRESH = ".new";
    /** An unfinished file of this age was left by a process that was killed. */
    private static final Duration ABANDONED = Duration.ofDays(1);

    private final IndexFile index;
    private final Path fresh;
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    private final CRC32C crc = new CRC32C();
    /** How many ids there are of one, two and four bytes. */
    private final long[] lengths = new long[PackedIds.LIMITS.length];

    private FileChannel channel;
    /** Which of the widths is being written. */
    private int width;

    IndexWriter(IndexFile index) throws IOException {
        this.index = index;
        String name = index.path().getFileName() + "." + ProcessHandle.current().pid() + FRESH;
        this.fresh = index.path().resolveSibling(name);
        try {
            Files.createDirectories(fresh.getParent());
            deleteAbandoned(fresh.getParent());
            // Ends of the process that close() does not see.
            fresh.toFile().deleteOnExit();
            channel = FileChannel.open(
                    fresh,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw cannotWrite(e);
        }
    }

    private static void deleteAbandoned(Path folder) throws IOException {
        FileTime limit = FileTime.from(Instant.now().minus(ABANDONED));
        List<Path> unfinished;
        try (Stream<Path> files = Files.list(folder)) {
            unfinished = files.filter(file -> file.toString().endsWith(FRESH)).toList();
        }
        for (Path file : unfinished) {
            if (Files.exists(file) && Files.getLastModifiedTime(file).compareTo(limit) < 0) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** Writes the first {@code count} of some ids, each at most one more than the largest before it. */
    void add(int[] ids, int count) throws IOException {
        for (int i = 0; i < count; i++) {
            int id = ids[i];
            while (id >= PackedIds.LIMITS[width]) {
                width++;
            }
            if (buffer.remaining() < Integer.BYTES) {
                flush();
            }
            switch (width) {
                case 0 -> buffer.put((byte) id);
                case 1 -> buffer.putShort((short) id);
                default -> buffer.putInt(id);
            }
            lengths[width]++;
        }
    }

    private void flush() throws IOException {
        buffer.flip();
        crc.update(buffer.duplicate());
        write(buffer);
        buffer.clear();
    }

    /** Ends the file, gives it its name, and returns the text that it now holds. */
    Corpus finish(Alphabet alphabet, String sha256) throws IOException {
        flush();
        ByteBuffer trailer = ByteBuffer.wrap(trailer(alphabet, sha256, channel.position()));
        crc.update(trailer.duplicate());
        write(trailer);
        write(ByteBuffer.allocate(Integer.BYTES + Long.BYTES)
                .putInt((int) crc.getValue())
                .putLong(IndexFile.MAGIC)
                .flip());
        try {
            Files.move(fresh, index.path(), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw cannotWrite(e);
        }
        return new Corpus(index.name(), alphabet, PackedIds.map(channel, lengths), sha256);
    }

    private void write(ByteBuffer bytes) throws IOException {
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw cannotWrite(e);
        }
    }

    private byte[] trailer(Alphabet alphabet, String sha256, long start) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream trailer = new DataOutputStream(bytes);
        trailer.writeUTF(index.stamp());
        trailer.writeUTF(sha256);
        for (long length : lengths) {
            trailer.writeLong(length);
        }
        trailer.writeInt(alphabet.size());
        for (int i = 0; i < alphabet.size(); i++) {
            trailer.writeInt(alphabet.codePoint(i));
            trailer.writeLong(alphabet.count(i));
        }
        trailer.writeLong(start);
        return bytes.toByteArray();
    }

    private CorpusException cannotWrite(IOException e) {
        String why = e instanceof AccessDeniedException ? "permission denied" : e.getMessage();
        return new CorpusException(
                "the index of " + index.name() + " could not be written to "
                        + index.path().getParent() + ": " + why
                        + "; set LIBRETTO_CACHE to a directory with room for it",
                e);
    }

    /** Deletes what was not finished. */
    @Override
    public void close() throws IOException {
        if (channel != null) {
            channel.close();
        }
        Files.deleteIfExists(fresh);
    }
}
