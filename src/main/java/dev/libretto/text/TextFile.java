package dev.libretto.text;

import java.io.BufferedInputStream;
import java.io.EOFException;
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
     * @throws CorpusException if there is no such file, it is a directory, or it is an archive without exactly one text
     */
    static TextFile open(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new CorpusException(file + " is a directory; name a text file, a .txt.gz or a .txt.zip");
        }
        Counted counted;
        try {
            counted = new Counted(Files.newInputStream(file));
        } catch (NoSuchFileException e) {
            throw new CorpusException(
                    "there is no file " + file + "; check the path, or name another with --corpus", e);
        }
        InputStream plain = new BufferedInputStream(counted);
        try {
            plain.mark(4);
            byte[] magic = plain.readNBytes(4);
            plain.reset();
            if (startsWith(magic, 'P', 'K', 3, 4) || startsWith(magic, 'P', 'K', 5, 6)) {
                plain.close();
                return openZip(file);
            }
            return startsWith(magic, 0x1f, 0x8b)
                    ? new TextFile(new GZIPInputStream(plain), counted::count, 0)
                    : new TextFile(plain, counted::count, size(file));
        } catch (ZipException | EOFException e) {
            plain.close();
            throw damaged(file.toString(), e);
        } catch (IOException e) {
            plain.close();
            throw e;
        }
    }

    private static boolean startsWith(byte[] bytes, int... start) {
        for (int i = 0; i < start.length; i++) {
            if (i >= bytes.length || (bytes[i] & 0xff) != start[i]) {
                return false;
            }
        }
        return true;
    }

    private static TextFile openZip(Path file) throws IOException {
        ZipFile zip;
        try {
            // Names that are not marked as UTF-8 may be in any encoding; as Latin-1, every byte is a character.
            zip = new ZipFile(file.toFile(), StandardCharsets.ISO_8859_1);
        } catch (ZipException e) {
            throw damaged(file.toString(), e);
        }
        try {
            List<? extends ZipEntry> texts =
                    zip.stream().filter(TextFile::isText).toList();
            if (texts.size() != 1) {
                throw new CorpusException(
                        file + " holds " + texts.size() + " .txt files; a corpus archive holds exactly one");
            }
            ZippedText text = new ZippedText(zip, texts.get(0));
            double packing =
                    Files.size(file) / (double) Math.max(1, texts.get(0).getSize());
            return new TextFile(text, () -> (long) (text.unpacked * packing), 0);
        } catch (ZipException | IllegalArgumentException e) {
            // The second is what Java throws at a name that is marked as UTF-8 and is not.
            zip.close();
            throw damaged(file.toString(), e);
        } catch (IOException e) {
            zip.close();
            throw e;
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

    /** A stream that counts the bytes read from it. */
    private static final class Counted extends FilterInputStream {
        private long count;

        Counted(InputStream input) {
            super(input);
        }

        long count() {
            return count;
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
