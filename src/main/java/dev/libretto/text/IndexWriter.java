package dev.libretto.text;

import dev.libretto.LibrettoException;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/** Writes an {@link IndexFile} under a temporary name until it is complete. */
final class IndexWriter implements AutoCloseable {
    /** The name of an unfinished index, with the process id of its writer. */
    private static final Pattern TEMPORARY = Pattern.compile("[0-9a-f]{32}\\.ids\\.([0-9]{1,18})\\.new");
    /** On a shared disk the writer may run on another machine; it writes at least once a day. */
    private static final Duration ABANDONED_AFTER = Duration.ofDays(1);

    private final IndexFile index;
    private final Path temporary;
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    private final CRC32C crc = new CRC32C();
    /** The number of ids of one, two and four bytes. */
    private final long[] lengths = new long[PackedIds.LIMITS.length];

    private FileChannel channel;
    private int width;

    IndexWriter(IndexFile index) throws IOException {
        this.index = index;
        String name = index.path().getFileName() + "." + ProcessHandle.current().pid() + ".new";
        this.temporary = index.path().resolveSibling(name);
        try {
            Files.createDirectories(temporary.getParent());
            deleteAbandoned(temporary.getParent());
            // The process may end without close().
            temporary.toFile().deleteOnExit();
            channel = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw cannotWrite(e);
        }
    }

    private static void deleteAbandoned(Path folder) throws IOException {
        try (DirectoryStream<Path> abandoned = Files.newDirectoryStream(folder, IndexWriter::isAbandoned)) {
            for (Path file : abandoned) {
                Files.deleteIfExists(file);
            }
        }
    }

    private static boolean isAbandoned(Path file) {
        Matcher name = TEMPORARY.matcher(file.getFileName().toString());
        Instant limit = Instant.now().minus(ABANDONED_AFTER);
        // A file that another process has just deleted is not regular, either.
        return name.matches()
                && ProcessHandle.of(Long.parseLong(name.group(1))).isEmpty()
                && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                && file.toFile().lastModified() < limit.toEpochMilli();
    }

    /** Writes the first {@code count} ids, each at most one more than the largest before it. */
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

    /** Completes the file, renames it and returns its text. */
    Corpus finish(Alphabet alphabet, String sha256, long malformed) throws IOException {
        flush();
        ByteBuffer trailer = ByteBuffer.wrap(trailer(alphabet, sha256, malformed, channel.position()));
        crc.update(trailer.duplicate());
        write(trailer);
        write(ByteBuffer.allocate(Integer.BYTES + Long.BYTES)
                .putInt((int) crc.getValue())
                .putLong(IndexFile.MAGIC)
                .flip());
        try {
            // An index that cannot be reused is deleted by close().
            if (index.reusable()) {
                Files.move(temporary, index.path(), StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException e) {
            throw cannotWrite(e);
        }
        return new Corpus(index.name(), alphabet, new PackedIds(channel, lengths), sha256, malformed);
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

    private byte[] trailer(Alphabet alphabet, String sha256, long malformed, long start) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream trailer = new DataOutputStream(bytes);
        trailer.writeUTF(index.fingerprint());
        trailer.writeUTF(sha256);
        trailer.writeLong(malformed);
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

    private LibrettoException cannotWrite(IOException e) {
        String why = e instanceof AccessDeniedException ? "permission denied" : e.getMessage();
        return new LibrettoException(
                "the index of " + index.name() + " could not be written to "
                        + index.path().getParent() + ": " + why
                        + "; set LIBRETTO_CACHE to a directory with room for it",
                e);
    }

    @Override
    public void close() throws IOException {
        if (channel != null) {
            channel.close();
        }
        Files.deleteIfExists(temporary);
    }
}
