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

/**
 * The bytes of a text file: plain, gzip, or the only text of a zip archive, recognized by its first bytes.
 *
 * @param counter counts the bytes read from the file itself
 * @param leastBytes a lower bound of the unpacked size
 */
record TextFile(InputStream input, LongSupplier counter, long leastBytes) implements AutoCloseable {
    long position() {
        return counter.getAsLong();
    }

    @Override
    public void close() throws IOException {
        input.close();
    }

    /** Returns the size of a file, or 0 if it is missing or not a regular file. */
    static long size(Path file) throws IOException {
        return Files.isRegularFile(file) ? Files.size(file) : 0;
    }

    static TextFile open(Path file, CorpusOptions options) throws IOException {
        if (Files.isDirectory(file)) {
            throw new LibrettoException(file + " is a directory; name a text file, a .txt.gz or a .txt.zip");
        }
        TextFile text = null;
        try {
            long size = size(file);
            CountingStream packed = new CountingStream(openStream(file));
            text = new TextFile(new BufferedInputStream(packed), packed::count, size);
            String magic = new String(text.head(4), StandardCharsets.ISO_8859_1);
            if (magic.equals("PK\3\4") || magic.equals("PK\5\6")) {
                text.close();
                text = openZip(file, options);
            } else if (magic.startsWith("\u001f\u008b")) {
                InputStream unpacked =
                        new UnpackedStream(new GZIPInputStream(text.input), packed::count, options, file);
                text = new TextFile(new BufferedInputStream(unpacked), packed::count, 0);
            }
            FileFormat.requireText(text.head(FileFormat.HEAD_BYTES), file.toString(), options.encoding());
            return text;
        } catch (NoSuchFileException e) {
            throw new LibrettoException("there is no file " + file + "; check the path, or name another text", e);
        } catch (IOException e) {
            if (text != null) {
                text.close();
            }
            throw e instanceof ZipException || e instanceof EOFException ? damaged(file.toString(), e) : e;
        }
    }

    /** Opens a file, or a pipe, which NIO streams would try to seek. */
    private static InputStream openStream(Path file) throws IOException {
        return Files.exists(file) && !Files.isRegularFile(file)
                ? new FileInputStream(file.toFile())
                : Files.newInputStream(file);
    }

    private byte[] head(int length) throws IOException {
        input.mark(length);
        byte[] head = input.readNBytes(length);
        input.reset();
        return head;
    }

    private static TextFile openZip(Path file, CorpusOptions options) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new LibrettoException(file + " is a pipe; a zip archive must be a regular file; name the file");
        }
        // Names not marked as UTF-8 may be in any encoding; Latin-1 decodes every byte.
        ZipFile zip = new ZipFile(file.toFile(), StandardCharsets.ISO_8859_1);
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
            UnpackedStream unpacked = new UnpackedStream(new ZipEntryStream(zip, entry), () -> packed, options, file);
            if (options.maxChars() == 0) {
                unpacked.requireNoBomb(entry.getSize());
            }
            double packing = packed / (double) Math.max(1, entry.getSize());
            return new TextFile(
                    new BufferedInputStream(unpacked),
                    () -> (long) (unpacked.count() * packing),
                    Math.max(0, entry.getSize()));
        } catch (IOException e) {
            zip.close();
            throw e;
        } catch (IllegalArgumentException e) {
            // Java throws this at a name marked as UTF-8 that is not.
            zip.close();
            throw damaged(file.toString(), e);
        }
    }

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

    static LibrettoException damaged(String source, Exception e) {
        String why = e instanceof EOFException ? "it ends too early" : e.getMessage();
        return new LibrettoException(source + " is a damaged archive (" + why + "); create it again", e);
    }

    /** An entry of a zip archive; closing it closes the archive. Checks the CRC-32, which {@link ZipFile} does not. */
    private static final class ZipEntryStream extends CheckedInputStream {
        private final ZipFile zip;
        private final ZipEntry entry;

        ZipEntryStream(ZipFile zip, ZipEntry entry) throws IOException {
            super(zip.getInputStream(entry), new CRC32());
            this.zip = zip;
            this.entry = entry;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
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

    /** Counts the bytes that a buffer reads. */
    private static class CountingStream extends FilterInputStream {
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
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            count += Math.max(0, read);
            return read;
        }
    }

    /**
     * Unpacked bytes, guarded against zip bombs. Prose compresses about 10-fold; a large text that compresses over 100-fold
     * is suspicious.
     */
    private static final class UnpackedStream extends CountingStream {
        private static final int MAX_RATIO = 100;
        private static final long ANY_RATIO_BYTES = 1L << 28;

        private final LongSupplier packed;
        private final boolean limited;
        private final Path file;

        /** @param packed the number of bytes read from the archive */
        UnpackedStream(InputStream input, LongSupplier packed, CorpusOptions options, Path file) {
            super(input);
            this.packed = packed;
            this.limited = options.maxBytes() == CorpusOptions.DEFAULT_MAX_BYTES;
            this.file = file;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            requireNoBomb(count());
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
}
