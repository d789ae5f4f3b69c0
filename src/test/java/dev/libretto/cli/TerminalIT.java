package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Runs the launcher in a terminal, with a text that would clear the screen. */
@EnabledOnOs(OS.LINUX)
class TerminalIT {
    private static final String CLEAR = "\u001b[2J";
    private static final String TRAIN = Program.IN_BASH
            + " train --preset tiny --epochs 1 --length 1 --corpus text.txt --prefix \"$(head -c 8 text.txt)\" --run run";

    @TempDir
    private Path folder;

    @BeforeEach
    void writeText() throws IOException {
        Files.writeString(folder.resolve("text.txt"), (CLEAR + "the sea was calm ").repeat(200));
    }

    @Test
    void controlCharactersOfATextAreEscapedOnATerminal() throws Exception {
        String screen = inTerminal(TRAIN);
        assertThat(screen).doesNotContain(CLEAR).contains(" - \\u001b[2Jthe ").contains("--prefix $'\\x1b[2Jthe ");
    }

    @Test
    void controlCharactersOfATextReachAFile() throws Exception {
        String screen = inTerminal(TRAIN + " >reports");
        assertThat(screen).doesNotContain(CLEAR);
        assertThat(folder.resolve("reports")).content().contains(" - " + CLEAR + "the ");
    }

    /** The second signal comes while a long sample is written, with the bar on the screen. */
    @Test
    void secondSignalErasesTheProgressBar() throws Exception {
        String screen = inTerminal("""
                %s train --preset tiny --report-every 1 --length 1000000 --corpus text.txt --run run &
                runs() { kill -0 $!; }
                until tail -n 1 screen | grep -q training || ! runs; do sleep 0.05; done
                kill -TERM $!
                until tail -n 2 screen | head -n 1 | grep -q stopping && tail -n 1 screen | grep -q training || ! runs; do
                  sleep 0.05
                done
                kill -TERM $!
                wait $!
                [ $? = 143 ]
                """.formatted(Program.IN_BASH));
        String erased = "\r\u001b[K";
        assertThat(screen).endsWith(erased).contains(erased + "training");
    }

    /** Returns what the terminal received from a command line. */
    private String inTerminal(String commandLine) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                        "script", "--quiet", "--flush", "--return", "--command", commandLine, "screen")
                .directory(folder.toFile());
        builder.environment().put("SHELL", "/bin/bash");
        builder.environment().put("TERM", "xterm");
        CliResult result = Program.run(builder);
        assertThat(result.exitCode()).as(result.out()).isZero();
        return result.out();
    }
}
