package dev.libretto.text;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/** Opens a text file as bytes: plain, gzip, or the one text of a zip archive, told apart by their first bytes. */
final class TextFile {
    private TextFile() {}

    /**
     * Opens a file.
     *
     * @throws CorpusException if there is no such file, it is a directory, or it is an archive without exactly one text
     */
    static InputStream open(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new CorpusException(file + " is a directory; name a text file, a .txt.gz or a .txt.zip");
        }
        InputStream plain;
        try {
            plain = new BufferedInputStream(Files.newInputStream(file));
        } catch (NoSuchFileException e) {
            throw new CorpusException(
                    "there is no file " + file + "; check the path, or name another with --corpus", e);
        }
        try {
            plain.mark(4);
            byte[] magic = plain.readNBytes(4);
            plain.reset();
            if (startsWith(magic, 'P', 'K', 3, 4) || startsWith(magic, 'P', 'K', 5, 6)) {
                plain.close();
                return openZip(file);
            }
            return startsWith(magic, 0x1f, 0x8b) ? new GZIPInputStream(plain) : plain;
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

    private static InputStream openZip(Path file) throws IOException {
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
            return new ZippedText(zip, texts.get(0));
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

        ZippedText(ZipFile zip, ZipEntry entry) throws IOException {
            super(zip.getInputStream(entry), new CRC32());
            this.zip = zip;
            this.entry = entry;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
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
}
