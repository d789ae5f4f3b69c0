package dev.libretto.device;

import dev.libretto.LibrettoException;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Whether oneDNN, which computes TensorFlow's matrix products on a CPU, supports bfloat16. TensorFlow 2.18 decides by the
 * processor alone whether to hand it a bfloat16 product; oneDNN 3.5 also obeys its own environment variable. A product that
 * oneDNN cannot compute aborts the process.
 *
 * @param features the processor's, as in {@link Host#features}
 */
public record OneDnn(List<String> features, Map<String, String> environment) {
    private static final String ENABLE = "TF_ENABLE_ONEDNN_OPTS";

    /** The first that is not empty wins. */
    private static final List<String> CAPS = List.of("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA");

    private static final String AVX2_VNNI_2 = "avx2_vnni_2";
    private static final String AVX512 = "avx512_core";
    private static final String AVX512_BF16 = "avx512_core_bf16";
    private static final String AMX = "avx512_core_amx";

    /** Caps below AVX-512. */
    private static final List<String> LOWER = List.of("sse41", "avx", "avx2", "avx2_vnni", AVX2_VNNI_2);

    /** Caps from AVX-512 up. Each includes those before it; none includes {@code avx2_vnni_2}. */
    private static final List<String> HIGHER = List.of(
            AVX512,
            "avx512_core_vnni",
            AVX512_BF16,
            "avx512_core_fp16",
            "avx10_1_512",
            AMX,
            "avx10_1_512_amx",
            "avx512_core_amx_fp16",
            "avx10_1_512_amx_fp16");

    /** The features that multiply in bfloat16: two of x86 and one of Arm. */
    private static final List<String> MULTIPLIERS = List.of("avx512_bf16", "amx_bf16", "bf16");

    /** Returns oneDNN on this machine with this process's environment. */
    public static OneDnn current() {
        return new OneDnn(Host.current().features(), System.getenv());
    }

    /** Returns whether a bfloat16 matrix product on the CPU would abort the process. */
    public boolean abortsInBfloat16() {
        return receivesBfloat16() && !supportsBfloat16();
    }

    /** TensorFlow's check; assumed to pass if the features are unknown. */
    private boolean receivesBfloat16() {
        return isEnabled()
                && (features.isEmpty() || features.contains("avx512f") || features.contains("avx_ne_convert"));
    }

    /** oneDNN's check. */
    private boolean supportsBfloat16() {
        return allows(AVX512) && hasAvx512()
                || allows(AVX2_VNNI_2)
                        && features.containsAll(List.of("avx2", "avx_vnni", "avx_vnni_int8", "avx_ne_convert"));
    }

    private boolean hasAvx512() {
        return features.containsAll(List.of("avx512f", "avx512bw", "avx512vl", "avx512dq"));
    }

    /** Throws if a bfloat16 product on the CPU would abort or be slower than in float32. */
    void requireBfloat16() throws LibrettoException {
        if (Collections.disjoint(features, MULTIPLIERS) || abortsInBfloat16() && cap() == null) {
            throw new LibrettoException("this processor has no bfloat16 instructions (" + String.join(", ", MULTIPLIERS)
                    + "), so bfloat16 would be slower than float32; use float32");
        }
        if (features.contains("bf16")) {
            return;
        }
        if (!isEnabled()) {
            throw refused(ENABLE, "turns off oneDNN, which multiplies in bfloat16");
        }
        boolean multiplies =
                features.contains("avx512_bf16") && allows(AVX512_BF16) || features.contains("amx_bf16") && allows(AMX);
        if (!multiplies || abortsInBfloat16()) {
            throw refused(cap(), "keeps oneDNN from multiplying in bfloat16");
        }
    }

    private LibrettoException refused(String variable, String why) {
        return new LibrettoException(
                variable + "=" + environment.get(variable) + " " + why + "; unset it, or use float32");
    }

    boolean isEnabled() {
        return !List.of("0", "false").contains(value(ENABLE));
    }

    /** The variable that caps oneDNN's instruction set, or null. */
    private String cap() {
        return CAPS.stream().filter(name -> !value(name).isEmpty()).findFirst().orElse(null);
    }

    /** Returns whether the cap allows an instruction set; an unknown value is no cap. */
    private boolean allows(String instructions) {
        String cap = cap() == null ? "" : value(cap());
        if (LOWER.contains(cap)) {
            return cap.equals(instructions);
        }
        int highest = HIGHER.indexOf(cap);
        return highest < 0 || HIGHER.subList(0, highest + 1).contains(instructions);
    }

    private String value(String variable) {
        return environment.getOrDefault(variable, "").toLowerCase(Locale.ROOT);
    }
}
