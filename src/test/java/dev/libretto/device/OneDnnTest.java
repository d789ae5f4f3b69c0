package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Simulated processors, with their features as listed by Linux. */
class OneDnnTest {
    private static final String AVX512 = "avx2 avx512f avx512bw avx512dq avx512vl";
    private static final Map<String, String> PROCESSORS = Map.of(
            "haswell", "avx2 fma",
            "knights-landing", "avx2 avx512f avx512cd",
            "skylake", AVX512,
            "cooper-lake", AVX512 + " avx512_vnni avx512_bf16",
            "sapphire-rapids", AVX512 + " avx512_vnni avx_vnni avx512_bf16 avx512_fp16 amx_tile amx_int8 amx_bf16",
            "sierra-forest", "avx2 avx_vnni avx_vnni_int8 avx_ne_convert",
            "partly-masked", "avx2 avx512f avx512_bf16",
            "graviton", "asimd bf16",
            "unknown", "");

    private static OneDnn on(String processor, String... environment) {
        String features = PROCESSORS.get(processor);
        Map<String, String> variables = environment.length == 0 ? Map.of() : Map.of(environment[0], environment[1]);
        return new OneDnn(features.isEmpty() ? List.of() : List.of(features.split(" ")), variables);
    }

    /** TensorFlow checks the processor; oneDNN also checks its environment variable. The process aborts if they disagree. */
    @ParameterizedTest
    @CsvSource({
        "haswell, , false",
        "haswell, AVX2, false",
        "knights-landing, , true",
        "skylake, , false",
        "skylake, AVX512_CORE, false",
        "skylake, AVX2, true",
        "skylake, avx2_vnni_2, true",
        "cooper-lake, SSE41, true",
        "cooper-lake, AVX512_CORE_VNNI, false",
        "sapphire-rapids, AVX2_VNNI, true",
        "sapphire-rapids, AVX10_1_512_AMX, false",
        "sapphire-rapids, no-such-value, false",
        "sapphire-rapids, DEFAULT, false",
        "sierra-forest, , false",
        "sierra-forest, AVX2_VNNI_2, false",
        "sierra-forest, AVX2, true",
        "sierra-forest, AVX512_CORE, true",
        "partly-masked, , true",
        "graviton, AVX2, false",
        "unknown, , true"
    })
    void bfloat16ProductAborts(String processor, String cap, boolean aborts) {
        OneDnn oneDnn = cap == null ? on(processor) : on(processor, "ONEDNN_MAX_CPU_ISA", cap);
        assertThat(oneDnn.abortsInBfloat16()).isEqualTo(aborts);
    }

    @Test
    void nothingAbortsWithoutOneDnn() {
        for (String off : List.of("0", "false", "FALSE")) {
            assertThat(on("skylake", "TF_ENABLE_ONEDNN_OPTS", off).abortsInBfloat16())
                    .isFalse();
        }
        assertThat(on("knights-landing", "TF_ENABLE_ONEDNN_OPTS", "1").abortsInBfloat16())
                .isTrue();
    }

    /** The variable's old name counts only if the new one is empty. */
    @Test
    void oldVariableNameIsRead() {
        assertThat(on("skylake", "DNNL_MAX_CPU_ISA", "avx2").abortsInBfloat16()).isTrue();
        List<String> features = List.of(AVX512.split(" "));
        assertThat(new OneDnn(features, Map.of("ONEDNN_MAX_CPU_ISA", "ALL", "DNNL_MAX_CPU_ISA", "AVX2"))
                        .abortsInBfloat16())
                .isFalse();
        assertThat(new OneDnn(features, Map.of("ONEDNN_MAX_CPU_ISA", "", "DNNL_MAX_CPU_ISA", "AVX2"))
                        .abortsInBfloat16())
                .isTrue();
    }

    @Test
    void messageNamesVariable() {
        assertThatThrownBy(() -> on("cooper-lake", "ONEDNN_MAX_CPU_ISA", "AVX2").requireBfloat16())
                .isInstanceOf(LibrettoException.class)
                .hasMessage(
                        "ONEDNN_MAX_CPU_ISA=AVX2 keeps oneDNN from multiplying in bfloat16; unset it, or use float32");
        assertThatThrownBy(() ->
                        on("sapphire-rapids", "DNNL_MAX_CPU_ISA", "avx512_core").requireBfloat16())
                .hasMessageStartingWith("DNNL_MAX_CPU_ISA=avx512_core keeps oneDNN");
        assertThatThrownBy(() -> on("cooper-lake", "TF_ENABLE_ONEDNN_OPTS", "0").requireBfloat16())
                .hasMessage(
                        "TF_ENABLE_ONEDNN_OPTS=0 turns off oneDNN, which multiplies in bfloat16; unset it, or use float32");
        for (String processor :
                List.of("haswell", "knights-landing", "skylake", "sierra-forest", "partly-masked", "unknown")) {
            assertThatThrownBy(() -> on(processor).requireBfloat16())
                    .as(processor)
                    .hasMessageStartingWith("this processor has no bfloat16 instructions");
        }
        for (String processor : List.of("cooper-lake", "sapphire-rapids", "graviton")) {
            assertThatCode(() -> on(processor).requireBfloat16()).as(processor).doesNotThrowAnyException();
        }
        assertThatCode(() -> on("sapphire-rapids", "ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")
                        .requireBfloat16())
                .doesNotThrowAnyException();
    }
}
