package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;

class SignalsTest {
    private final BlockingQueue<Integer> handled = new LinkedBlockingQueue<>();

    /** SIGWINCH is ignored by default. */
    @Test
    void handlesSignals() throws Exception {
        Signals signals = Signals.of(Map.of("WINCH", 28), handled::add);
        try {
            Program.signal(ProcessHandle.current().pid(), "WINCH");
            assertThat(handled.take()).isEqualTo(28);
        } finally {
            signals.close();
        }
    }

    /** As SIGHUP on Windows. */
    @Test
    void missingSignalIsSkipped() throws Exception {
        Signals signals = Signals.of(Map.of("NONE", 99, "WINCH", 28), handled::add);
        try {
            Program.signal(ProcessHandle.current().pid(), "WINCH");
            assertThat(handled.take()).isEqualTo(28);
        } finally {
            signals.close();
        }
    }
}
