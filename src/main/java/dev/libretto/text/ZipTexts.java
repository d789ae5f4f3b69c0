package dev.libretto.text;

import dev.libretto.LibrettoException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/** The texts of a zip archive, in its order: its only file, whatever the name, or else those that are to be included. */
final class ZipTexts implements TextFile {
    private final ZipFile zip;
    private final Path file;
    private final CorpusOptions options;
    private final List<? extends ZipEntry> texts;
    private final Iterator<? extends ZipEntry> entries;
    private final FileStream whole;
    private final long leastBytes;
    private long unpackedBytes;

    private ZipTexts(ZipFile zip, Path file, CorpusOptions options, List<? extends ZipEntry> texts) throws IOException {
        this.zip = zip;
        this.file = file;
        this.options = options;
        this.texts = texts;
        this.entries = texts.iterator();
        this.whole = FileStream.atEnd(Files.size(file));
        this.leastBytes =
                texts.stream().mapToLong(entry -> Math.max(0, entry.getSize())).sum();
    }

    static ZipTexts open(Path file, CorpusOptions options, Consumer<String> skipped) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new LibrettoException(file + " is a pipe; a zip archive must be a regular file; name the file");
        }
        ZipFile zip;
        try {
            // Names not marked as UTF-8 may be in any encoding; Latin-1 decodes every byte.
            zip = new ZipFile(file.toFile(), StandardCharsets.ISO_8859_1);
        } catch (IllegalArgumentException e) {
            // Java throws this at a name marked as UTF-8 that is not.
            throw TextFile.damaged(file.toString(), e);
        }
        try {
            requireNoDocument(zip, file);
            List<? extends ZipEntry> files =
                    zip.stream().filter(ZipTexts::isFile).toList();
            List<? extends ZipEntry> texts = files.size() == 1
                    ? files
                    : files.stream()
                            .filter(entry -> options.includes(baseName(entry)))
                            .toList();
            if (texts.isEmpty()) {
                throw noText(file, files.size(), options);
            }
            files.stream()
                    .filter(entry -> files.size() > 1 && !options.includes(baseName(entry)))
                    .forEach(entry -> skipped.accept(nameIn(file, entry.getName())));
            ZipTexts opened = new ZipTexts(zip, file, options, texts);
            if (options.maxChars() == 0) {
                opened.stream(InputStream.nullInputStream()).requireNoBomb(opened.leastBytes());
            }
            return opened;
        } catch (IOException | RuntimeException e) {
            zip.close();
            throw e;
        }
    }

    static LibrettoException noText(Path file, int files, CorpusOptions options) {
        return new LibrettoException(file + " holds " + files + " files, none of them " + options.describeInclude()
                + "; include them by a pattern of their names");
    }

    /** Returns what messages call a file in an archive. */
    static String nameIn(Path archive, String entry) {
        return archive + ": " + entry;
    }

    private static boolean isFile(ZipEntry entry) {
        return !entry.isDirectory()
                && !entry.getName().startsWith("__MACOSX/")
                && !baseName(entry).startsWith(".");
    }

    private static String baseName(ZipEntry entry) {
        return entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
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

    private UnpackedStream stream(InputStream unpacked) {
        return new UnpackedStream(unpacked, whole, options, file);
    }

    @Override
    public Text next() throws IOException {
        if (!entries.hasNext()) {
            return null;
        }
        ZipEntry entry = entries.next();
        String name = texts.size() == 1 ? file.toString() : nameIn(file, entry.getName());
        try {
            InputStream input = new BufferedInputStream(stream(new EntryStream(entry)));
            FileFormat.requireText(TextFile.head(input), name, options.encoding());
            return new Text(name, input);
        } catch (IOException e) {
            throw TextFile.explain(e, whole, file);
        }
    }

    @Override
    public long position() {
        return (long) (whole.count() * (unpackedBytes / (double) Math.max(1, leastBytes())));
    }

    @Override
    public long leastBytes() {
        return leastBytes;
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }

    /** Checks the CRC-32, which {@link ZipFile} does not. */
    private final class EntryStream extends CheckedInputStream {
        private final ZipEntry entry;

        EntryStream(ZipEntry entry) throws IOException {
            super(zip.getInputStream(entry), new CRC32());
            this.entry = entry;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            if (read < 0 && getChecksum().getValue() != entry.getCrc()) {
                throw new ZipException("CRC-32 mismatch");
            }
            unpackedBytes += Math.max(0, read);
            return read;
        }
    }
}
