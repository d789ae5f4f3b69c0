package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class TensorFlowSetupTest {
    @Test
    void cudaBuildForcesDeterministicReductions() {
        Map<String, String> both = Map.of(
                "TF_CPP_MIN_LOG_LEVEL", "2",
                "TF_ENABLE_ONEDNN_OPTS", "1",
                "TF_OVERRIDE_GLOBAL_THREADPOOL", "1",
                "GRPC_FAIL_FAST", "true");
        assertThat(TensorFlowSetup.variables(new Build("1", "1", "linux-x86_64")))
                .isEqualTo(both);
        assertThat(TensorFlowSetup.variables(new Build("1", "1", "linux-x86_64-gpu")))
                .containsAllEntriesOf(both)
                .containsAllEntriesOf(Map.of(
                        "TF_DETERMINISTIC_OPS", "1",
                        "TF_DISABLE_SCATTER_OP_DETERMINISM", "1",
                        "CUBLAS_WORKSPACE_CONFIG", ":4096:8"));
    }

    @Test
    void overriddenVariablesAreThoseThatMayChangeResultsOrSpeed() {
        assertThat(TensorFlowSetup.overridden(Map.of(
                        "TF_ENABLE_ONEDNN_OPTS", "0",
                        "ONEDNN_MAX_CPU_ISA", "AVX2",
                        "OMP_NUM_THREADS", "",
                        "TF_CPP_MIN_LOG_LEVEL", "0",
                        "TF_CLI_CONFIG_FILE", ".terraformrc")))
                .containsExactly(Map.entry("ONEDNN_MAX_CPU_ISA", "AVX2"), Map.entry("TF_ENABLE_ONEDNN_OPTS", "0"));
        assertThat(TensorFlowSetup.overridden(TensorFlowSetup.variables(Build.current())))
                .isEmpty();
    }
}
