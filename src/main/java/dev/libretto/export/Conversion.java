package dev.libretto.export;

import dev.libretto.model.Parameter;
import java.util.List;
import java.util.Map;

/** How one parameter of a model stands in a layout, as one array or several. */
interface Conversion {
    /** The arrays it becomes. */
    List<Slot> slots();

    /**
     * To the layout.
     *
     * @param values the parameter's, row-major
     * @return an array for each of {@link #slots}
     */
    List<NamedArray> toLayout(float[] values);

    /**
     * From the layout.
     *
     * @param arrays those of a file by their names, all of {@link #slots} among them and of their shapes
     * @return the parameter's values, row-major
     */
    float[] toNative(Map<String, NamedArray> arrays);

    /** The parameter as it is. */
    static Conversion identity(Parameter parameter) {
        return identity(new Slot(parameter.name(), parameter.shape()));
    }

    /** The parameter as it is but for its name. */
    static Conversion identity(Slot slot) {
        return new Conversion() {
            @Override
            public List<Slot> slots() {
                return List.of(slot);
            }

            @Override
            public List<NamedArray> toLayout(float[] values) {
                return List.of(slot.of(values));
            }

            @Override
            public float[] toNative(Map<String, NamedArray> arrays) {
                return arrays.get(slot.name()).values();
            }
        };
    }
}
