package dev.libretto.text;

import dev.libretto.LibrettoException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/** The bytes of a text file: plain, gzip, or the only text of a zip archive, recognized by its first bytes. */
final class TextFile implements AutoCloseable {
    private final InputStream input;
    private final LongSupplier position;
    private final long leastBytes;

    private TextFile(InputStream input, LongSupplier position, long leastBytes) {
        this.input = input;
        this.position = position;
        this.leastBytes = leastBytes;
    }

    /** Returns the unpacked bytes. */
    InputStream input() {
        return input;
    }

    /** Returns a lower bound of the unpacked size. */
    long leastBytes() {
        return leastBytes;
    }

    /** Returns the number of bytes read from the file itself. */
    long position() {
        return position.getAsLong();
    }

    @Override
    public void close() throws IOException {
        input.close();
    }

    /** Returns the size of a file, or 0 if it is missing or not a regular file. */
    static long size(Path file) throws IOException {
        return Files.isRegularFile(file) ? Files.size(file) : 0;
    }

    /**
     * Opens a file.
     *
     * @throws LibrettoException if it does not exist, is a directory, is an archive without exactly one text, or is not text
     */
    static TextFile open(Path file, CorpusOptions options) throws IOException {
        if (Files.isDirectory(file)) {
            throw new LibrettoException(file + " is a directory; name a text file, a .txt.gz or a .txt.zip");
        }
        InputStream plain = null;
        try {
            CountingStream counted = new CountingStream(openStream(file));
            plain = new BufferedInputStream(counted);
            byte[] magic = head(plain, 4);
            TextFile text;
            if (startsWith(magic, 'P', 'K', 3, 4) || startsWith(magic, 'P', 'K', 5, 6)) {
                plain.close();
                text = openZip(file, options);
            } else if (startsWith(magic, 0x1f, 0x8b)) {
                InputStream gzip = new GZIPInputStream(plain);
                text = new TextFile(new Unpacked(gzip, counted::count, options, file), counted::count, 0);
            } else {
                text = new TextFile(plain, counted::count, size(file));
            }
            plain = text.input;
            FileFormat.requireText(head(plain, FileFormat.HEAD_BYTES), file.toString(), options.encoding());
            return text;
        } catch (NoSuchFileException e) {
            throw new LibrettoException("there is no file " + file + "; check the path, or name another text", e);
        } catch (ZipException | EOFException e) {
            close(plain);
            throw damaged(file.toString(), e);
        } catch (IOException e) {
            close(plain);
            throw e;
        }
    }

    private static void close(InputStream input) throws IOException {
        if (input != null) {
            input.close();
        }
    }

    /** Opens a file, or a pipe, which NIO streams would try to seek. */
    private static InputStream openStream(Path file) throws IOException {
        return Files.exists(file) && !Files.isRegularFile(file)
                ? new FileInputStream(file.toFile())
                : Files.newInputStream(file);
    }

    /** Peeks at the first bytes of a stream. */
    private static byte[] head(InputStream input, int length) throws IOException {
        input.mark(length);
        byte[] head = input.readNBytes(length);
        input.reset();
        return head;
    }

    private static boolean startsWith(byte[] bytes, int... start) {
        for (int i = 0; i < start.length; i++) {
            if (i >= bytes.length || (bytes[i] & 0xff) != start[i]) {
                return false;
            }
        }
        return true;
    }

    private static TextFile openZip(Path file, CorpusOptions options) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new LibrettoException(file + " is a pipe; a zip archive must be a regular file; name the file");
        }
        ZipFile zip;
        try {
            // Names not marked as UTF-8 may be in any encoding; Latin-1 decodes every byte.
            zip = new ZipFile(file.toFile(), StandardCharsets.ISO_8859_1);
        } catch (ZipException e) {
            throw damaged(file.toString(), e);
        }
        try {
            requireNoDocument(zip, file);
            List<? extends ZipEntry> texts =
                    zip.stream().filter(TextFile::isText).toList();
            if (texts.size() != 1) {
                throw new LibrettoException(
                        file + " holds " + texts.size() + " .txt files; a corpus archive holds exactly one");
            }
            ZipEntry entry = texts.get(0);
            long packed = Files.size(file);
            ZipEntryStream text = new ZipEntryStream(zip, entry);
            Unpacked unpacked = new Unpacked(text, () -> packed, options, file);
            if (options.maxChars() == 0) {
                unpacked.requireNoBomb(entry.getSize());
            }
            double packing = packed / (double) Math.max(1, entry.getSize());
            return new TextFile(unpacked, () -> (long) (text.unpacked * packing), Math.max(0, entry.getSize()));
        } catch (ZipException | IllegalArgumentException e) {
            // Java throws IllegalArgumentException at a name marked as UTF-8 that is not.
            zip.close();
            throw damaged(file.toString(), e);
        } catch (IOException e) {
            zip.close();
            throw e;
        }
    }

    /** Throws for documents that are zip archives. */
    private static void requireNoDocument(ZipFile zip, Path file) throws LibrettoException {
        if (zip.getEntry("[Content_Types].xml") != null) {
            throw FileFormat.notText(file.toString(), "an Office document", "save it as plain text first");
        }
        if (zip.getEntry("META-INF/container.xml") != null) {
            throw FileFormat.notText(file.toString(), "an EPUB book", "convert it to text first");
        }
        if (zip.getEntry("mimetype") != null) {
            throw FileFormat.notText(file.toString(), "an OpenDocument file", "save it as plain text first");
        }
    }

    private static boolean isText(ZipEntry entry) {
        String name = entry.getName();
        return !entry.isDirectory() && name.toLowerCase(Locale.ROOT).endsWith(".txt") && !name.startsWith("__MACOSX/");
    }

    /** Returns the exception for an archive that cannot be unpacked. */
    static LibrettoException damaged(String source, Exception e) {
        String why = e instanceof EOFException ? "it ends too early" : e.getMessage();
        return new LibrettoException(source + " is a damaged archive (" + why + "); create it again", e);
    }

    /** An entry of a zip archive; closing it closes the archive. Checks the CRC-32, which {@link ZipFile} does not. */
    private static final class ZipEntryStream extends CheckedInputStream {
        private final ZipFile zip;
        private final ZipEntry entry;
        private long unpacked;

        ZipEntryStream(ZipFile zip, ZipEntry entry) throws IOException {
            super(zip.getInputStream(entry), new CRC32());
            this.zip = zip;
            this.entry = entry;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            unpacked += Math.max(0, read);
            if (read < 0 && getChecksum().getValue() != entry.getCrc()) {
                throw new ZipException("CRC-32 mismatch");
            }
            return read;
        }

        @Override
        public void close() throws IOException {
            zip.close();
        }
    }

    /**
     * Unpacked bytes, guarded against zip bombs. Prose compresses about 10-fold; a large text that compresses over 100-fold
     * is suspicious.
     */
    private static final class Unpacked extends BufferedInputStream {
        private static final int MAX_RATIO = 100;
        private static final long ANY_RATIO_BYTES = 1L << 28;

        private final LongSupplier packed;
        private final boolean limited;
        private final Path file;
        private long unpacked;

        /** @param packed the number of bytes read from the archive */
        Unpacked(InputStream input, LongSupplier packed, CorpusOptions options, Path file) {
            super(input);
            this.packed = packed;
            this.limited = options.maxBytes() == CorpusOptions.DEFAULT_MAX_BYTES;
            this.file = file;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            unpacked += Math.max(0, read);
            requireNoBomb(unpacked);
            return read;
        }

        /** Throws if {@code bytes} is too large for the archive's size. */
        void requireNoBomb(long bytes) throws LibrettoException {
            if (limited && bytes > ANY_RATIO_BYTES && bytes / MAX_RATIO > packed.getAsLong()) {
                throw new LibrettoException(String.format(
                        Locale.ROOT,
                        "%s unpacks to more than %d MiB, over %d times its size, like a zip bomb;"
                                + " if it is text, raise max-bytes",
                        file,
                        ANY_RATIO_BYTES >> 20,
                        MAX_RATIO));
            }
        }
    }

    private static final class CountingStream extends FilterInputStream {
        private long count;

        CountingStream(InputStream input) {
            super(input);
        }

        long count() {
            return count;
        }

        /** Never 0: GZIPInputStream takes that for the end, but a pipe may be empty for a while. */
        @Override
        public int available() throws IOException {
            return Math.max(1, super.available());
        }

        @Override
        public int read() throws IOException {
            int read = super.read();
            count += read < 0 ? 0 : 1;
            return read;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            count += Math.max(0, read);
            return read;
        }
    }
}
