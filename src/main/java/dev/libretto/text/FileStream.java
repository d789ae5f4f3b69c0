package dev.libretto.text;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** The bytes of a file, counted; remembers a failure to read it, which what unpacks it may hide. */
final class FileStream extends FilterInputStream {
    private long count;
    private IOException failure;

    FileStream(InputStream input) {
        super(input);
    }

    /** Returns the stream of a file of this size at its end. */
    static FileStream atEnd(long size) {
        FileStream stream = new FileStream(InputStream.nullInputStream());
        stream.count = size;
        return stream;
    }

    long count() {
        return count;
    }

    /** Returns the failure to read the file; null if none. */
    IOException failure() {
        return failure;
    }

    /** Never 0: GZIPInputStream takes that for the end, but a pipe may be empty for a while. */
    @Override
    public int available() throws IOException {
        return Math.max(1, super.available());
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        try {
            int read = super.read(bytes, offset, length);
            count += Math.max(0, read);
            return read;
        } catch (IOException e) {
            failure = e;
            throw e;
        }
    }
}
