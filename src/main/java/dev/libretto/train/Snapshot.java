package dev.libretto.train;

import dev.libretto.model.FloatTensors;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tensorflow.types.TFloat32;

/** A copy of all arrays that training changes, in native memory. */
record Snapshot(Map<Parameter, TFloat32> weights, Map<Parameter, TFloat32> slots, Map<Parameter, TFloat32> state)
        implements AutoCloseable {
    /** Returns the arrays in Java memory. */
    Checkpoint checkpoint(Progress progress) {
        return new Checkpoint(inJava(weights), inJava(slots), inJava(state), progress);
    }

    private static Weights inJava(Map<Parameter, TFloat32> tensors) {
        List<Parameter> parameters = new ArrayList<>(tensors.keySet());
        return new Weights(parameters, parameter -> FloatTensors.toArray(tensors.get(parameter)));
    }

    @Override
    public void close() {
        for (Map<Parameter, TFloat32> tensors : List.of(weights, slots, state)) {
            tensors.values().forEach(TFloat32::close);
        }
    }
}
