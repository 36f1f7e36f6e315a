// The factors of dropout: crate::random::DropoutMask::factor, element by element. Plain C besides the launch, so that
// a test can compile it for the processor and compare.
#ifdef __cplusplus
extern "C"
#endif
__global__ void dropout_factors(float *out, const unsigned int *starts, unsigned int columns,
                                unsigned long long count, unsigned int key, unsigned int threshold,
                                float scale) {
    unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    unsigned int index = starts[i / columns] + (unsigned int)(i % columns);
    unsigned int h = index * 0x9E3779B1u + key;
    h ^= h >> 15;
    h *= 0x85EBCA77u;
    h ^= h >> 13;
    h *= 0xC2B2AE3Du;
    h ^= h >> 16;
    out[i] = h >= threshold ? scale : 0.0f;
}
