package dev.libretto.cli;

import dev.libretto.device.Terminal;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import org.jline.terminal.Attributes;
import org.jline.terminal.TerminalBuilder;

/** What a user presses and types: in a terminal a key at a time, or a line that can be edited; from a pipe the same characters. */
class Keys implements AutoCloseable {
    private static final int END = -1;

    private final Reader reader;
    private boolean afterReturn;

    private Keys(Reader reader) {
        this.reader = reader;
    }

    /** @param in stdin, if that is not a terminal */
    static Keys of(InputStream in) throws IOException {
        return Terminal.isStdin()
                ? new OfTerminal(
                        TerminalBuilder.builder().system(true).dumb(false).build())
                : new Keys(new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8)));
    }

    /** Returns the next key; a negative number at the end. Enter is a newline. */
    int key() throws IOException {
        return next();
    }

    /** Returns the next character; CR LF and CR are a newline. */
    private int next() throws IOException {
        int key = reader.read();
        if (key == '\n' && afterReturn) {
            key = reader.read();
        }
        afterReturn = key == '\r';
        return afterReturn ? '\n' : key;
    }

    /** Returns what is typed until Enter, without it. */
    String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = next(); next != END && next != '\n'; next = next()) {
            line.append((char) next);
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }

    /** Takes keys from the terminal without waiting for Enter, and leaves it as it was. */
    private static final class OfTerminal extends Keys {
        private final org.jline.terminal.Terminal terminal;

        OfTerminal(org.jline.terminal.Terminal terminal) {
            super(terminal.reader());
            this.terminal = terminal;
        }

        @Override
        int key() throws IOException {
            Attributes ofLines = terminal.enterRawMode();
            try {
                return super.key();
            } finally {
                terminal.setAttributes(ofLines);
            }
        }

        @Override
        public void close() throws IOException {
            terminal.close();
        }
    }
}
