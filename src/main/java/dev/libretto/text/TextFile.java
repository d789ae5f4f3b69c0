package dev.libretto.text;

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

/** A text file as bytes: plain, gzip, or the one text of a zip archive, told apart by their first bytes. */
final class TextFile implements AutoCloseable {
    private final InputStream input;
    private final LongSupplier position;
    private final long leastBytes;

    private TextFile(InputStream input, LongSupplier position, long leastBytes) {
        this.input = input;
        this.position = position;
        this.leastBytes = leastBytes;
    }

    /** The bytes of the text, unpacked. */
    InputStream input() {
        return input;
    }

    /** How many bytes the text has at least: as many as its file, where it is not packed. */
    long leastBytes() {
        return leastBytes;
    }

    /** How many bytes of the file itself were read. */
    long position() {
        return position.getAsLong();
    }

    @Override
    public void close() throws IOException {
        input.close();
    }

    /** How many bytes a file has; 0 where there is none, or it does not say. */
    static long size(Path file) throws IOException {
        return Files.isRegularFile(file) ? Files.size(file) : 0;
    }

    /**
     * Opens a file.
     *
     * @throws CorpusException if there is no such file, it is a directory, it is an archive without exactly one text, or it
     *     holds something else than text
     */
    static TextFile open(Path file, CorpusOptions options) throws IOException {
        if (Files.isDirectory(file)) {
            throw new CorpusException(file + " is a directory; name a text file, a .txt.gz or a .txt.zip");
        }
        InputStream plain = null;
        try {
            Counted counted = new Counted(openStream(file));
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
            throw new CorpusException(
                    "there is no file " + file + "; check the path, or name another with --corpus", e);
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

    /** Opens a file, or a pipe, in which Java's newer streams would seek. */
    private static InputStream openStream(Path file) throws IOException {
        return Files.exists(file) && !Files.isRegularFile(file)
                ? new FileInputStream(file.toFile())
                : Files.newInputStream(file);
    }

    /** The first bytes of a stream, which stay in it. */
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
            throw new CorpusException(file + " is a pipe with a zip archive, which only a file can be; name the file");
        }
        ZipFile zip;
        try {
            // Names that are not marked as UTF-8 may be in any encoding; as Latin-1, every byte is a character.
            zip = new ZipFile(file.toFile(), StandardCharsets.ISO_8859_1);
        } catch (ZipException e) {
            throw damaged(file.toString(), e);
        }
        try {
            requireNoDocument(zip, file);
            List<? extends ZipEntry> texts =
                    zip.stream().filter(TextFile::isText).toList();
            if (texts.size() != 1) {
                throw new CorpusException(
                        file + " holds " + texts.size() + " .txt files; a corpus archive holds exactly one");
            }
            ZipEntry entry = texts.get(0);
            long packed = Files.size(file);
            ZippedText text = new ZippedText(zip, entry);
            Unpacked unpacked = new Unpacked(text, () -> packed, options, file);
            if (options.maxChars() == 0) {
                unpacked.requireNoBomb(entry.getSize());
            }
            double packing = packed / (double) Math.max(1, entry.getSize());
            return new TextFile(unpacked, () -> (long) (text.unpacked * packing), Math.max(0, entry.getSize()));
        } catch (ZipException | IllegalArgumentException e) {
            // The second is what Java throws at a name that is marked as UTF-8 and is not.
            zip.close();
            throw damaged(file.toString(), e);
        } catch (IOException e) {
            zip.close();
            throw e;
        }
    }

    /** Office's documents are zip archives. */
    private static void requireNoDocument(ZipFile zip, Path file) throws CorpusException {
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

    /** What to tell of an archive that cannot be unpacked. */
    static CorpusException damaged(String source, Exception e) {
        String why = e instanceof EOFException ? "it ends too early" : e.getMessage();
        return new CorpusException(source + " is a damaged archive (" + why + "); make it again", e);
    }

    /** A file of a zip archive, which is closed with it. Java's zip files do not look at the checksum. */
    private static final class ZippedText extends CheckedInputStream {
        private final ZipFile zip;
        private final ZipEntry entry;
        private long unpacked;

        ZippedText(ZipFile zip, ZipEntry entry) throws IOException {
            super(zip.getInputStream(entry), new CRC32());
            this.zip = zip;
            this.entry = entry;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            unpacked += Math.max(0, read);
            if (read < 0 && getChecksum().getValue() != entry.getCrc()) {
                throw new ZipException("its text has another checksum");
            }
            return read;
        }

        @Override
        public void close() throws IOException {
            zip.close();
        }
    }

    /**
     * What an archive unpacks to. Prose is a tenth as large when it is packed; text that is a hundredth, and large, is more
     * likely made to fill a disk.
     */
    private static final class Unpacked extends BufferedInputStream {
        private static final int MAX_RATIO = 100;
        private static final long ANY_RATIO_BYTES = 1L << 28;

        private final LongSupplier packed;
        private final boolean limited;
        private final Path file;
        private long unpacked;

        /** @param packed how many bytes of the archive were read */
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

        /** @throws CorpusException if so many bytes are too many for the archive's size */
        void requireNoBomb(long bytes) throws CorpusException {
            if (limited && bytes > ANY_RATIO_BYTES && bytes / MAX_RATIO > packed.getAsLong()) {
                throw new CorpusException(String.format(
                        Locale.ROOT,
                        "%s unpacks to more than %d MiB, over %d times its size, as archives do that are made to fill a disk;"
                                + " if it is a text, say how large by --max-bytes",
                        file,
                        ANY_RATIO_BYTES >> 20,
                        MAX_RATIO));
            }
        }
    }

    /** A stream that counts the bytes read from it. */
    private static final class Counted extends FilterInputStream {
        private long count;

        Counted(InputStream input) {
            super(input);
        }

        long count() {
            return count;
        }

        /** A pipe has nothing at times; GZIPInputStream would take that for the end and leave out what follows. */
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
