package dev.libretto.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.NativeMemory;
import java.io.IOException;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.tensorflow.op.linalg.MatMul;

class ProductTest {
    /**
     * The textbook's batch, counted by hand: 35 time steps of [32, 256] · [256, 256], 34 of them backward, one product for the
     * gradient of U; three products of 1120 rows between 256 units and the characters.
     */
    @Test
    void operationsOfTextbookBatchMatchCountByHand() throws IOException {
        Workload textbook = Workload.rnn();
        double v = textbook.vocabulary().size();

        double recurrent = (35 + 34 + 35) * 32.0 * 256 * 256;
        double dense = 3 * 35 * 32.0 * 256 * v;
        assertThat(MatMulBound.operations(textbook.config())).isEqualTo(2 * (recurrent + dense));
    }

    @Test
    void timerThatFailsToBuildFreesItsMemory() {
        Product tooLarge = new Product(2, 1 << 20, 1 << 20, false, false, 1);
        NativeMemory.assertFreedByFailing(() -> new ProductTimer(tooLarge));
    }

    /** TensorFlow's graph optimizer computes an operation only once if another has its inputs, the control inputs among them. */
    @Test
    void timerComputesEveryProduct() {
        try (ProductTimer timer = new ProductTimer(new Product(2, 3, 5, true, false, 4, 2))) {
            assertThat(timer.graph.toGraphDef().getNodeList().stream()
                            .filter(node -> node.getOp().equals(MatMul.OP_NAME))
                            .map(node -> Set.copyOf(node.getInputList())))
                    .hasSize(4 * 2)
                    .doesNotHaveDuplicates();
        }
    }

    @Test
    void waysOmitTranspositionsAndSplitRows() {
        Product gradient = new Product(33, 20, 5, false, true, 7);

        assertThat(gradient.ways(3))
                .containsExactlyInAnyOrder(
                        new Product(33, 20, 5, false, true, 7, 1),
                        new Product(33, 20, 5, false, false, 7, 1),
                        new Product(17, 20, 5, false, true, 7, 2),
                        new Product(17, 20, 5, false, false, 7, 2));
        assertThat(new Product(1, 20, 5, false, false, 7).ways(3))
                .containsExactly(new Product(1, 20, 5, false, false, 7, 1));
    }

    @Test
    void productIsReadBackFromItsArgument() {
        Product product = new Product(1, 2, 3, false, true, 4, 5);
        assertThat(Product.ofArgument(product.asArgument())).isEqualTo(product);
    }

    @Test
    void repeatedProductHasAtLeastTheGivenOperations() {
        Product product = new Product(2, 3, 5, true, false, 4, 2); // 480 operations

        assertThat(product.repeated(1000)).isEqualTo(new Product(2, 3, 5, true, false, 12, 2));
        assertThat(product.repeated(100)).isEqualTo(product);
    }

    /** The second layer's input is a product over all time steps; the first layer's is a lookup. */
    @Test
    void operationsOfLstmBatchMatchCountByHand() {
        double step = 64.0 * 512 * 2048;

        double recurrent = 2 * (64 + 63 + 64) * step;
        double input = 3 * 64 * step;
        double dense = 3 * 64 * 64.0 * 512 * 65;
        assertThat(MatMulBound.operations(Workload.lstm().config())).isEqualTo(2 * (recurrent + input + dense));
    }
}
