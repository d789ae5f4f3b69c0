package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TerminalTest {
    @Test
    void onlyDumbTerminalCannotRedraw() {
        assertThat(Terminal.canRedraw("dumb")).isFalse();
        assertThat(Terminal.canRedraw("xterm-256color")).isTrue();
        assertThat(Terminal.canRedraw(null)).isTrue();
    }
}
