package dev.libretto.benchmark;

import dev.libretto.model.ModelConfig;
import dev.libretto.run.RunConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A matrix product {@code [m, k] · [k, n]} of a training batch.
 *
 * @param transposeA whether the first factor is stored as {@code [k, m]}
 * @param transposeB whether the second factor is stored as {@code [n, k]}
 * @param count products per chain, computed one after the other
 * @param chains chains that can run in parallel
 */
record Product(int m, int k, int n, boolean transposeA, boolean transposeB, int count, int chains) {
    Product(int m, int k, int n, boolean transposeA, boolean transposeB, int count) {
        this(m, k, n, transposeA, transposeB, count, 1);
    }

    /** Returns the floating-point operations of all chains: a multiplication and an addition for each m, k and n. */
    double operations() {
        return 2.0 * m * k * n * count * chains;
    }

    /** Returns this product with longer chains, so that it has at least so many operations. */
    Product repeated(double operations) {
        int times = (int) Math.ceil(operations / operations());
        return new Product(m, k, n, transposeA, transposeB, count * Math.max(times, 1), chains);
    }

    /**
     * Returns the ways to compute this product: with its factors as they are stored or without a transposition, which takes a
     * second copy of a factor; and with its rows in one part or in several parts in parallel.
     *
     * @param maxParts the most parts; their number is a power of two
     */
    Set<Product> ways(int maxParts) {
        Set<Product> ways = new LinkedHashSet<>();
        for (int parts = 1; parts <= Math.min(maxParts, m); parts *= 2) {
            int rows = (m + parts - 1) / parts;
            ways.add(new Product(rows, k, n, transposeA, transposeB, count, parts));
            ways.add(new Product(rows, k, n, false, false, count, parts));
        }
        return ways;
    }

    /** Returns the product that {@link #asArgument} describes. */
    static Product ofArgument(String argument) {
        int[] values =
                Arrays.stream(argument.split(",")).mapToInt(Integer::parseInt).toArray();
        return new Product(values[0], values[1], values[2], values[3] == 1, values[4] == 1, values[5], values[6]);
    }

    /** Returns a description for the command line. */
    String asArgument() {
        return m + "," + k + "," + n + "," + (transposeA ? 1 : 0) + "," + (transposeB ? 1 : 0) + "," + count + ","
                + chains;
    }

    /**
     * Returns the matrix products of a training batch, forward and backward. In each layer, the product with U and the one of
     * its gradient run once per time step; the first time step has no gradient. All other products cover all time steps at
     * once. The first layer's input is a lookup without a product.
     */
    static List<Product> ofBatch(RunConfig config) {
        ModelConfig model = config.model();
        int t = config.training().seqLength();
        int b = config.training().batchSize();
        int h = model.hiddenSize();
        int gh = model.cell().gates() * h;
        List<Product> products = new ArrayList<>();
        for (int layer = 0; layer < model.layers(); layer++) {
            products.add(new Product(b, h, gh, false, false, t));
            products.add(new Product(b, gh, h, false, true, t - 1));
            products.add(new Product(h, t * b, gh, true, false, 1));
            if (layer > 0) {
                products.addAll(ofDense(t * b, h, gh));
            }
        }
        products.addAll(ofDense(t * b, h, model.vocabularySize()));
        return products.stream().filter(product -> product.count() > 0).toList();
    }

    /** For {@code y = x · W} with x {@code [rows, in]}: y, and the gradients of x and W. */
    private static List<Product> ofDense(int rows, int in, int out) {
        return List.of(
                new Product(rows, in, out, false, false, 1),
                new Product(rows, out, in, false, true, 1),
                new Product(in, rows, out, true, false, 1));
    }
}
