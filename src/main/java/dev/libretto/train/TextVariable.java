package dev.libretto.train;

import dev.libretto.text.Ids;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Assign;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TInt64;

/** A text as a variable of a graph, stored on the device that computes the graph. */
final class TextVariable {
    private final Variable<TInt64> variable;
    private final Placeholder<TInt64> value;
    private final Assign<TInt64> assign;

    /** @param length the number of characters */
    TextVariable(Ops tf, long length) {
        Shape shape = Shape.of(length);
        variable = tf.withName("text").variable(shape, TInt64.class);
        Ops loading = tf.withSubScope("load_text");
        value = loading.withName("value").placeholder(TInt64.class, Placeholder.shape(shape));
        assign = loading.withName("assign").assign(variable, value);
    }

    /** Returns the character ids, {@code [N]}. */
    Operand<TInt64> ids() {
        return variable;
    }

    /** Loads a text of the variable's length. */
    void load(Session session, Ids text) {
        try (TInt64 ids = TInt64.tensorOf(variable.shape())) {
            for (long i = 0; i < text.length(); i++) {
                ids.setLong(text.at(i), i);
            }
            session.runner().feed(value, ids).addTarget(assign).run().close();
        }
    }
}
