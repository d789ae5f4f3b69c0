package dev.libretto.device;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The machine.
 *
 * @param processor its name; empty if unknown
 * @param features the processor's instruction sets that TensorFlow has kernels for; empty if unknown
 * @param memory of the machine or container, or the limit of the address space, in bytes
 */
public record Host(String system, String processor, int cores, List<String> features, long memory, long javaHeap) {
    private static final Set<String> KNOWN = words("""
            sse4_1 sse4_2 avx avx2 fma avx512f avx512bw avx512dq avx512vl avx512_vnni avx512_bf16 avx512_fp16
            avx_vnni avx_vnni_int8 avx_ne_convert amx_tile amx_int8 amx_bf16 asimd sve bf16""");

    public static Host current() {
        return of(read("/proc/cpuinfo"), read("/proc/self/limits"));
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException e) {
            return "";
        }
    }

    static Host of(String cpuInfo, String limits) {
        Matcher addressSpace = Pattern.compile("^Max address space +(\\d+) ", Pattern.MULTILINE)
                .matcher(limits);
        long limit = addressSpace.find() ? Long.parseLong(addressSpace.group(1)) : Long.MAX_VALUE;
        long memory = ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
                .getTotalMemorySize();
        Runtime java = Runtime.getRuntime();
        return new Host(
                System.getProperty("os.name") + " " + System.getProperty("os.arch"),
                field(cpuInfo, "model name"),
                java.availableProcessors(),
                features(field(cpuInfo, "flags|Features")),
                Math.min(memory, limit),
                java.maxMemory());
    }

    private static String field(String cpuInfo, String name) {
        Matcher field = Pattern.compile("^(?:" + name + ")\\s*: *(.*)$", Pattern.MULTILINE)
                .matcher(cpuInfo);
        return field.find() ? field.group(1).strip() : "";
    }

    private static List<String> features(String flags) {
        Set<String> features = words(flags);
        features.retainAll(KNOWN);
        return List.copyOf(features);
    }

    private static Set<String> words(String text) {
        return new TreeSet<>(List.of(text.split("\\s+")));
    }
}
