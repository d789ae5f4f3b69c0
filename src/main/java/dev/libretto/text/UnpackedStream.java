package dev.libretto.text;

import dev.libretto.LibrettoException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Unpacked bytes, guarded against damage and zip bombs. Prose compresses about 10-fold; a large text that compresses over
 * 100-fold is suspicious.
 */
final class UnpackedStream extends FilterInputStream {
    private static final int MAX_RATIO = 100;
    private static final long ANY_RATIO_BYTES = 1L << 28;

    private final FileStream raw;
    private final boolean limited;
    private final Path file;
    private long count;

    /** @param raw what the bytes are unpacked from */
    UnpackedStream(InputStream unpacked, FileStream raw, CorpusOptions options, Path file) {
        super(unpacked);
        this.raw = raw;
        this.limited = options.maxBytes() == CorpusOptions.DEFAULT_MAX_BYTES;
        this.file = file;
    }

    /** Never 0, as that of a {@link FileStream}. */
    @Override
    public int available() {
        return 1;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        int read;
        try {
            read = super.read(bytes, offset, length);
        } catch (IOException | RuntimeException e) {
            throw TextFile.explain(e, raw, file);
        }
        count += Math.max(0, read);
        requireNoBomb(count);
        return read;
    }

    /** Throws if {@code bytes} is too large for what has been read of the file. */
    void requireNoBomb(long bytes) throws LibrettoException {
        if (limited && bytes > ANY_RATIO_BYTES && bytes / MAX_RATIO > raw.count()) {
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
