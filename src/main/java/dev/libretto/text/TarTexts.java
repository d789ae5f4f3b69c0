package dev.libretto.text;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/** The texts of a tar archive, in its order: its files that are to be included. Reads it once, so that it may be a pipe. */
final class TarTexts implements TextFile {
    /** The size of the record of zeros that ends an archive. */
    private static final int RECORD = 512;

    private final ZeroCounter input;
    private final TarArchiveInputStream tar;
    private final FileStream raw;
    private final boolean readsBlocks;
    private final CorpusOptions options;
    private final Path file;
    private final Consumer<String> skipped;
    private int files;
    private int texts;

    /** @param input the archive, unpacked */
    TarTexts(
            InputStream input,
            FileStream raw,
            boolean readsBlocks,
            CorpusOptions options,
            Path file,
            Consumer<String> skipped) {
        this.input = new ZeroCounter(input);
        this.readsBlocks = readsBlocks;
        this.tar = new TarArchiveInputStream(this.input, "UTF-8");
        this.raw = raw;
        this.options = options;
        this.file = file;
        this.skipped = skipped;
    }

    @Override
    public Text next() throws IOException {
        for (TarArchiveEntry entry = nextFile(); entry != null; entry = nextFile()) {
            files++;
            String name = ZipTexts.nameIn(file, entry.getName());
            if (options.includes(entry.getName().substring(entry.getName().lastIndexOf('/') + 1))) {
                texts++;
                InputStream text = new BufferedInputStream(new UnpackedStream(tar, raw, options, file));
                FileFormat.requireText(TextFile.head(text), name, options.encoding());
                return new Text(name, text);
            }
            skipped.accept(name);
        }
        if (input.zeros < RECORD) {
            // Commons Compress takes a header that is cut for the end.
            throw TextFile.damaged(file.toString(), new EOFException());
        }
        if (texts == 0) {
            throw ZipTexts.noText(file, files, options);
        }
        // What follows the archive has the checksum of what it is packed in.
        input.transferTo(OutputStream.nullOutputStream());
        return null;
    }

    /** Returns the next entry that is a file, not a directory or link; null at the end. */
    private TarArchiveEntry nextFile() throws IOException {
        try {
            TarArchiveEntry entry = tar.getNextEntry();
            while (entry != null && (!entry.isFile() || entry.isLink() || entry.isSymbolicLink())) {
                entry = tar.getNextEntry();
            }
            return entry;
        } catch (IOException | RuntimeException e) {
            throw TextFile.explain(e, raw, file);
        }
    }

    @Override
    public long position() {
        return raw.count();
    }

    @Override
    public boolean readsBlocks() {
        return readsBlocks;
    }

    @Override
    public void close() throws IOException {
        tar.close();
    }

    /** Counts the zeros that the bytes read so far end with. */
    private static final class ZeroCounter extends FilterInputStream {
        private long zeros;

        ZeroCounter(InputStream input) {
            super(input);
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            int i = offset + read;
            while (i > offset && bytes[i - 1] == 0) {
                i--;
            }
            zeros = read < 0 ? zeros : (i == offset ? zeros : 0) + offset + read - i;
            return read;
        }

        @Override
        public long skip(long count) throws IOException {
            zeros = 0;
            return super.skip(count);
        }
    }
}
