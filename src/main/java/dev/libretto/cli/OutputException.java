package dev.libretto.cli;

import dev.libretto.device.Terminal;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** Standard output that cannot be written. */
final class OutputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private OutputException(IOException cause) {
        super(cause.getMessage(), cause);
    }

    /** Whether the reader has gone away, as {@code head} does when it has read enough. */
    boolean isClosedPipe() {
        return Terminal.isStdoutClosed();
    }

    /** A stream that throws this where a {@code PrintStream} over it would note the error and go on. */
    static OutputStream reporting(OutputStream out) {
        return new FilterOutputStream(out) {
            @Override
            public void write(byte[] bytes, int offset, int length) {
                try {
                    out.write(bytes, offset, length);
                } catch (IOException e) {
                    throw new OutputException(e);
                }
            }

            @Override
            public void write(int value) {
                write(new byte[] {(byte) value}, 0, 1);
            }
        };
    }
}
