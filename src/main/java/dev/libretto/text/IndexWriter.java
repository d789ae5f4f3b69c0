package dev.libretto.text;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/** Writes an {@link IndexFile}, under another name until it is whole. */
final class IndexWriter implements AutoCloseable {
    /** The name of an unfinished index: that of the index, then the process that writes it. */
    private static final Pattern FRESH = Pattern.compile("[0-9a-f]{32}\\.ids\\.([0-9]{1,18})\\.new");
    /** On a shared disk, the process may run on another machine; it writes at least once a day. */
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
        String name = index.path().getFileName() + "." + ProcessHandle.current().pid() + ".new";
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
        List<Path> files;
        try (Stream<Path> entries = Files.list(folder)) {
            files = entries.toList();
        }
        for (Path file : files) {
            if (isAbandoned(file)) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** Whether a file was left unfinished by an IndexWriter whose process has ended. */
    private static boolean isAbandoned(Path file) throws IOException {
        Matcher name = FRESH.matcher(file.getFileName().toString());
        if (!name.matches() || ProcessHandle.of(Long.parseLong(name.group(1))).isPresent()) {
            return false;
        }
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return attributes.isRegularFile()
                    && attributes
                            .lastModifiedTime()
                            .toInstant()
                            .isBefore(Instant.now().minus(ABANDONED));
        } catch (NoSuchFileException e) {
            return false;
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
            // One that is of no use to another process is gone as soon as this one ends.
            if (index.reusable()) {
                Files.move(fresh, index.path(), StandardCopyOption.ATOMIC_MOVE);
            }
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
