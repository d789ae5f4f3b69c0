package dev.libretto.text;

import dev.libretto.LibrettoException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.zip.GZIPInputStream;

/**
 * The texts of a file, one after another: the file itself, unpacked if it is compressed, or the text files of an archive.
 * Formats are recognized by their first bytes.
 */
interface TextFile extends AutoCloseable {
    /** @param name for messages */
    record Text(String name, InputStream input) {}

    /** Returns the next text, whose input is valid until the next call; null at the end. */
    Text next() throws IOException;

    /** Returns the number of bytes read from the file itself. */
    long position();

    /** Returns whether large blocks are unpacked at once, so that {@link #position} is far ahead of the text. */
    default boolean readsBlocks() {
        return false;
    }

    /** Returns a lower bound of the unpacked size. */
    default long leastBytes() {
        return 0;
    }

    @Override
    void close() throws IOException;

    /** Returns the size of a file, or 0 if it is missing or not a regular file. */
    static long size(Path file) throws IOException {
        return Files.isRegularFile(file) ? Files.size(file) : 0;
    }

    /** @param skipped receives the names of an archive's files that are not read */
    static TextFile open(Path file, CorpusOptions options, Consumer<String> skipped) throws IOException {
        if (Files.isDirectory(file)) {
            throw new LibrettoException(file + " is a directory; name a text file, compressed or not, or an archive");
        }
        FileStream raw;
        try {
            raw = new FileStream(openStream(file));
        } catch (NoSuchFileException e) {
            throw new LibrettoException("there is no file " + file + "; check the path, or name another text", e);
        }
        InputStream input = new BufferedInputStream(raw);
        try {
            PackedFormat format = PackedFormat.of(head(input));
            if (format == PackedFormat.ZIP) {
                input.close();
                return ZipTexts.open(file, options, skipped);
            }
            boolean readsBlocks =
                    format == PackedFormat.BZIP2 || format == PackedFormat.XZ || format == PackedFormat.ZSTD;
            long leastBytes = format == null ? size(file) : 0;
            if (format != null && format != PackedFormat.TAR) {
                InputStream unpacked =
                        format == PackedFormat.GZIP ? new GZIPInputStream(input) : Decompression.open(format, input);
                input = new BufferedInputStream(new UnpackedStream(unpacked, raw, options, file));
                format = PackedFormat.of(head(input));
            }
            if (format == PackedFormat.TAR) {
                return new TarTexts(input, raw, readsBlocks, options, file, skipped);
            }
            FileFormat.requireText(head(input), file.toString(), options.encoding());
            return new SingleText(file, input, raw, readsBlocks, leastBytes);
        } catch (IOException | RuntimeException e) {
            input.close();
            throw explain(e, raw, file);
        }
    }

    /** Opens a file, or a pipe, which NIO streams would try to seek. */
    private static InputStream openStream(Path file) throws IOException {
        return Files.exists(file) && !Files.isRegularFile(file)
                ? new FileInputStream(file.toFile())
                : Files.newInputStream(file);
    }

    /** Returns the first bytes of a stream, and leaves them there. */
    static byte[] head(InputStream input) throws IOException {
        input.mark(FileFormat.HEAD_BYTES);
        byte[] head = input.readNBytes(FileFormat.HEAD_BYTES);
        input.reset();
        return head;
    }

    /** Returns the exception for a failure to unpack: the archive is damaged, unless the file could not be read. */
    static IOException explain(Exception e, FileStream raw, Path file) {
        if (e instanceof LibrettoException explained) {
            return explained;
        }
        return raw.failure() == null ? damaged(file.toString(), e) : raw.failure();
    }

    static LibrettoException damaged(String source, Exception e) {
        String why = e instanceof EOFException || e.getMessage() == null ? "it ends too early" : e.getMessage();
        return new LibrettoException(
                source + " is a damaged archive (" + LibrettoException.oneLine(why) + "); create it again", e);
    }

    /** A file that is one text. */
    final class SingleText implements TextFile {
        private final InputStream input;
        private final FileStream raw;
        private final boolean readsBlocks;
        private final long leastBytes;
        private Text text;

        SingleText(Path file, InputStream input, FileStream raw, boolean readsBlocks, long leastBytes) {
            this.input = input;
            this.raw = raw;
            this.readsBlocks = readsBlocks;
            this.leastBytes = leastBytes;
            this.text = new Text(file.toString(), input);
        }

        @Override
        public Text next() {
            Text only = text;
            text = null;
            return only;
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
        public long leastBytes() {
            return leastBytes;
        }

        @Override
        public void close() throws IOException {
            input.close();
        }
    }
}
