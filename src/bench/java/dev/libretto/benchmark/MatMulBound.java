package dev.libretto.benchmark;

import dev.libretto.run.RunConfig;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A lower bound on the time of a training batch: that of its matrix products alone.
 *
 * @param secondsAtShape each product computed in the fastest way
 * @param secondsAtPeak as many operations at the highest rate that any product reached
 */
record MatMulBound(double secondsAtShape, double secondsAtPeak) {
    private static final List<Integer> SQUARES = List.of(512, 1024, 2048);

    /** Measures the bound on this machine. */
    static MatMulBound measure(RunConfig config) throws IOException {
        List<Product> batch = Product.ofBatch(config);
        int maxParts = ProductSpeed.maxParts();
        Stream<Product> squares = SQUARES.stream().map(size -> new Product(size, size, size, false, true, 1));
        Set<Product> measured = new LinkedHashSet<>();
        Stream.concat(squares, batch.stream()).forEach(product -> measured.addAll(product.ways(maxParts)));
        return of(batch, maxParts, ProductSpeed.lowestSeconds(List.copyOf(measured)));
    }

    /**
     * Returns the bound that measurements give.
     *
     * @param lowest the lowest seconds of every product that was measured, all ways of the batch's products among them
     */
    static MatMulBound of(List<Product> batch, int maxParts, Map<Product, Double> lowest) {
        double atShape = batch.stream()
                .mapToDouble(product -> product.ways(maxParts).stream()
                        .mapToDouble(lowest::get)
                        .min()
                        .orElseThrow())
                .sum();
        double highestRate = lowest.entrySet().stream()
                .mapToDouble(entry -> entry.getKey().operations() / entry.getValue())
                .max()
                .orElseThrow();
        return new MatMulBound(atShape, operations(batch) / highestRate);
    }

    /** Returns the floating-point operations of a batch's matrix products. */
    static double operations(RunConfig config) {
        return operations(Product.ofBatch(config));
    }

    private static double operations(List<Product> batch) {
        return batch.stream().mapToDouble(Product::operations).sum();
    }
}
