package dev.libretto.cli;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import me.tongfei.progressbar.ProgressBarConsumer;

/**
 * A status line at the bottom of the terminal, redrawn in place. Other output goes above it: the line is erased first, and
 * redrawn with the next update.
 */
final class StatusLine implements ProgressBarConsumer {
    /** Shows nothing. */
    static final StatusLine NONE = new StatusLine(OutputStream.nullOutputStream(), () -> false, () -> 0);

    private static final long PATIENCE_MILLIS = 200;
    private static final String ERASE = "\r\u001b[K";

    private final OutputStream terminal;
    private final BooleanSupplier isTerminal;
    private final IntSupplier width;
    private boolean shown;
    private boolean ended;
    /** Whether the last output ended its line; if not, the status line has no place. */
    private boolean atLineStart = true;

    StatusLine(OutputStream terminal, BooleanSupplier isTerminal, IntSupplier width) {
        this.terminal = terminal;
        this.isTerminal = isTerminal;
        this.width = width;
    }

    boolean isUsable() {
        return isTerminal.getAsBoolean();
    }

    /** Returns a stream to the same terminal whose text goes above the line. */
    OutputStream above(OutputStream out) {
        return new FilterOutputStream(out) {
            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                synchronized (StatusLine.this) {
                    clear();
                    out.write(bytes, offset, length);
                    atLineStart = length == 0 ? atLineStart : bytes[offset + length - 1] == '\n';
                }
            }

            @Override
            public void write(int value) throws IOException {
                write(new byte[] {(byte) value}, 0, 1);
            }
        };
    }

    /** Leaves three columns free, so that no terminal wraps the line, not even when it prints ^C. */
    @Override
    public int getMaxRenderedLength() {
        return width.getAsInt() - 3;
    }

    @Override
    public synchronized void accept(String line) {
        if (atLineStart && !ended) {
            print(ERASE + line);
            shown = true;
        }
    }

    @Override
    public synchronized void clear() {
        if (shown) {
            print(ERASE);
            shown = false;
        }
    }

    @Override
    public void close() {
        clear();
    }

    /** Erases the line for good, before the process ends. */
    synchronized void end() {
        clear();
        ended = true;
    }

    /** Like {@link #end}, but does not wait for a terminal that is stopped, as by Ctrl-S. */
    void endSoon() {
        Thread ending = new Thread(this::end, "status line");
        ending.setDaemon(true);
        ending.start();
        try {
            ending.join(PATIENCE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void print(String text) {
        try {
            terminal.write(text.getBytes(StandardCharsets.UTF_8));
            terminal.flush();
        } catch (IOException e) {
            // The terminal is gone; the work continues.
            return;
        }
    }
}
