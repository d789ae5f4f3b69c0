package dev.libretto.cli;

import dev.libretto.device.Terminal;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** Standard output cannot be written. */
final class OutputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private OutputException(IOException cause) {
        super(cause.getMessage(), cause);
    }

    /** Returns whether the reader has closed the pipe, as {@code head} does. */
    boolean isClosedPipe() {
        return Terminal.isStdoutClosed();
    }

    /** Returns a stream that throws this exception, because a {@code PrintWriter} would swallow an {@code IOException}. */
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
