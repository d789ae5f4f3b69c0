package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class HostTest {
    @Test
    void readsX86ProcessorOnLinux() {
        Host host = Host.of("""
                processor\t: 0
                model name\t: AMD EPYC 9R14
                flags\t\t: fpu sse4_2 avx avx2 fma avx512f avx512_bf16 rdtscp

                processor\t: 1
                model name\t: another
                """, "");
        assertThat(host.processor()).isEqualTo("AMD EPYC 9R14");
        assertThat(host.features()).containsExactly("avx", "avx2", "avx512_bf16", "avx512f", "fma", "sse4_2");
        assertThat(host.memory()).isGreaterThan(host.javaHeap());
    }

    @Test
    void readsArmFeaturesAndAcceptsNone() {
        assertThat(Host.of("processor\t: 0\nFeatures\t: fp asimd sve bf16\n", "")
                        .features())
                .containsExactly("asimd", "bf16", "sve");
        assertThat(Host.of("", "").features()).isEmpty();
        assertThat(Host.of("", "").processor()).isEmpty();
    }

    /** As a process has it that was started under {@code ulimit -v}, which counts in KiB. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void shellsLimitOfTheAddressSpaceIsRead() throws IOException {
        Process shell = new ProcessBuilder("sh", "-c", "ulimit -v 123456; cat /proc/self/limits").start();
        String limits = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(Host.of("", limits).memory()).isEqualTo(123_456 << 10);
    }

    @Test
    void memoryIsAtMostTheLimitOfTheAddressSpace() {
        String limits = "Max address space         %s             unlimited            bytes     \n";
        long whole = Host.of("", "").memory();
        assertThat(Host.of("", limits.formatted(whole / 2)).memory()).isEqualTo(whole / 2);
        assertThat(Host.of("", limits.formatted("unlimited")).memory()).isEqualTo(whole);
    }
}
