package dev.libretto.cli;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import me.tongfei.progressbar.ProgressBarConsumer;

/**
 * The last line of a terminal, redrawn in place while something takes its time. What is printed meanwhile goes above it: it
 * is erased first, and is back with the next thing to show.
 */
final class StatusLine implements ProgressBarConsumer {
    /** One that shows nothing. */
    static final StatusLine NONE = new StatusLine(OutputStream.nullOutputStream(), () -> false, () -> 0);

    private static final String ERASE = "\r\u001b[K";

    private final OutputStream terminal;
    private final BooleanSupplier isTerminal;
    private final IntSupplier width;
    private boolean shown;
    private boolean ended;
    /** Whether what was printed last ended its line; if not, there is no place to show anything. */
    private boolean atLineStart = true;

    /**
     * @param terminal where it is shown
     * @param isTerminal whether that is a terminal
     * @param width the columns of the terminal now
     */
    StatusLine(OutputStream terminal, BooleanSupplier isTerminal, IntSupplier width) {
        this.terminal = terminal;
        this.isTerminal = isTerminal;
        this.width = width;
    }

    /** Whether anything can be shown; asked when there is something. */
    boolean isUsable() {
        return isTerminal.getAsBoolean();
    }

    /** A stream to the same terminal, whose text goes above the line. */
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

    /** Three columns less than there are, so that no terminal goes on to the next line, not even for the ^C of a Ctrl-C. */
    @Override
    public int getMaxRenderedLength() {
        return width.getAsInt() - 3;
    }

    /** Shows a line instead of the one before. */
    @Override
    public synchronized void accept(String line) {
        if (atLineStart && !ended) {
            print(ERASE + line);
            shown = true;
        }
    }

    /** Erases the line. */
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

    /** Erases the line for good: the process ends. */
    synchronized void end() {
        clear();
        ended = true;
    }

    private void print(String text) {
        try {
            terminal.write(text.getBytes(StandardCharsets.UTF_8));
            terminal.flush();
        } catch (IOException e) {
            // A terminal that is gone shows nothing; the work goes on.
            return;
        }
    }
}
