package dev.libretto.benchmark;

import dev.libretto.device.Sessions;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.RunConfig;
import java.util.ArrayList;
import java.util.List;

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

    /**
     * Returns the matrix products of a training batch, forward and backward. In each layer, the product with U and the one of
     * its gradient run once per time step and part of the rows; the first time step has no gradient. All other products cover
     * all time steps at once. The first layer's input is a lookup without a product.
     */
    static List<Product> ofBatch(RunConfig config) {
        ModelConfig model = config.model();
        int t = config.training().seqLength();
        int b = config.training().batchSize();
        int h = model.hiddenSize();
        int gh = model.cell().gates() * h;
        int parts = Sessions.areOnGpu() ? 1 : config.training().parts();
        int rowsOfPart = (b + parts - 1) / parts;
        List<Product> products = new ArrayList<>();
        for (int layer = 0; layer < model.layers(); layer++) {
            products.add(new Product(rowsOfPart, h, gh, false, false, t, parts));
            products.add(new Product(rowsOfPart, gh, h, false, true, t - 1, parts));
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
