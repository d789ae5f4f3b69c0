package dev.libretto.benchmark;

import dev.libretto.device.Device;
import dev.libretto.device.Devices;
import dev.libretto.device.NativeLog;
import dev.libretto.device.Precision;
import dev.libretto.device.Sessions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds how fast TensorFlow can compute matrix products on this machine. On a CPU that depends on variables that TensorFlow
 * reads once: with or without oneDNN, and with all threads or only one for each product. So each setting has a process of its
 * own.
 */
final class ProductSpeed {
    private static final String ONEDNN = "TF_ENABLE_ONEDNN_OPTS";
    private static final String THREADS_PER_PRODUCT = "TF_NUM_INTRAOP_THREADS";
    private static final List<Map<String, String>> SETTINGS = List.of(
            Map.of(ONEDNN, "1"),
            Map.of(ONEDNN, "0"),
            Map.of(ONEDNN, "1", THREADS_PER_PRODUCT, "1"),
            Map.of(ONEDNN, "0", THREADS_PER_PRODUCT, "1"));

    private static final int TIMES = 5;

    /** A run with fewer operations would measure how long a session takes to start it. */
    private static final double MIN_OPERATIONS = 1e9;

    private ProductSpeed() {}

    /** Returns the most parts that can be computed in parallel. */
    static int maxParts() {
        return Sessions.areOnGpu() ? 1 : Runtime.getRuntime().availableProcessors();
    }

    /** Returns the lowest seconds of each product. */
    static Map<Product, Double> lowestSeconds(List<Product> products) throws IOException {
        Map<Product, Double> lowest = new HashMap<>();
        if (Sessions.areOnGpu()) {
            products.forEach(product -> lowest.put(product, seconds(product)));
            return lowest;
        }
        for (Map<String, String> setting : SETTINGS) {
            List<Product> measured = products.stream()
                    .filter(product -> product.chains() > 1 || !setting.containsKey(THREADS_PER_PRODUCT))
                    .toList();
            List<Double> seconds = inProcess(setting, measured);
            for (int i = 0; i < measured.size(); i++) {
                lowest.merge(measured.get(i), seconds.get(i), Math::min);
            }
        }
        return lowest;
    }

    private static List<Double> inProcess(Map<String, String> setting, List<Product> products) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), ProductSpeed.class.getName()));
        Precision precision =
                Sessions.factorType() == Precision.FLOAT32.factorType() ? Precision.FLOAT32 : Precision.BFLOAT16;
        command.add(precision.name());
        products.forEach(product -> command.add(product.asArgument()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(setting);
        Process process = builder.start();
        try {
            List<Double> seconds = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .map(Double::valueOf)
                    .toList();
            if (seconds.size() < products.size()) {
                throw new IOException("the process that times matrix products with " + setting + " ended early");
            }
            return seconds;
        } finally {
            process.destroy();
        }
    }

    /** Prints the lowest seconds of each product, a line each. */
    public static void main(String[] args) {
        NativeLog.suppressFirstRunMessages();
        new Devices.Choice(Device.CPU, Precision.valueOf(args[0]), "").use();
        Arrays.stream(args).skip(1).map(Product::ofArgument).forEach(product -> System.out.println(seconds(product)));
    }

    private static double seconds(Product product) {
        Product repeated = product.repeated(MIN_OPERATIONS);
        try (ProductTimer timer = new ProductTimer(repeated)) {
            timer.run();
            double lowest = Double.POSITIVE_INFINITY;
            for (int i = 0; i < TIMES; i++) {
                lowest = Math.min(lowest, timer.run());
            }
            return lowest * product.count() / repeated.count();
        }
    }
}
